module ollama

go 1.22
