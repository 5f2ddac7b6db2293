// Replays the GPU discovery of ollama as its v0.32 does it, and on request as v0.12 did: the same processes in the
// same order, with the same environment, whose output is read in the same way. The binary is named ollama because
// policies go by the executable's name.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
)

const usage = `usage:
  ollama discover [--engine] [--refresh] FOLDER   what "ollama serve" does at start; FOLDER is its lib/ollama
  ollama gpu-discover --lib-dir DIR…              what it starts to ask ggml and the driver: JSON on stdout
  ollama runner --ollama-engine --port N          what v0.12 started instead
`

func main() {
	slog.SetDefault(newLogger())
	if len(os.Args) < 2 {
		fail(usage)
	}
	command, arguments := os.Args[1], os.Args[2:]
	var err error
	switch command {
	case "discover":
		flags := flag.NewFlagSet(command, flag.ExitOnError)
		engine := flags.Bool("engine", false, "as v0.12 did, by its own runner")
		refresh := flags.Bool("refresh", false, "ask for the free memory again, within 3 s")
		flags.Parse(arguments)
		if flags.NArg() != 1 {
			fail(usage)
		}
		discover(flags.Arg(0), *engine, *refresh)
	case "gpu-discover":
		var folders list
		flags := flag.NewFlagSet(command, flag.ExitOnError)
		flags.Var(&folders, "lib-dir", "a folder with ggml's libraries; the first has libggml-base")
		flags.Parse(arguments)
		err = printProbe(folders)
	case "runner":
		flags := flag.NewFlagSet(command, flag.ExitOnError)
		flags.Bool("ollama-engine", false, "the only engine there is here")
		port := flags.Int("port", 0, "where to serve /info, on the loopback address")
		flags.Parse(arguments)
		err = serveInfo(*port)
	default:
		fail(usage)
	}
	if err != nil {
		fail(fmt.Sprintf("Error: %v\n", err))
	}
}

func fail(text string) {
	fmt.Fprint(os.Stderr, text)
	os.Exit(1)
}

type list []string

func (l *list) String() string         { return fmt.Sprint(*l) }
func (l *list) Set(value string) error { *l = append(*l, value); return nil }

// levelTrace is what OLLAMA_DEBUG=2 sets; only then is the stderr of the discovery's children seen.
const levelTrace = slog.Level(-8)

func newLogger() *slog.Logger {
	level := slog.LevelInfo
	switch os.Getenv("OLLAMA_DEBUG") {
	case "1", "true":
		level = slog.LevelDebug
	case "2":
		level = levelTrace
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{
		AddSource: true,
		Level:     level,
		ReplaceAttr: func(_ []string, attribute slog.Attr) slog.Attr {
			if source, ok := attribute.Value.Any().(*slog.Source); ok {
				source.File = filepath.Base(source.File)
			}
			return attribute
		},
	}))
}

func tracing() bool { return slog.Default().Enabled(context.Background(), levelTrace) }
