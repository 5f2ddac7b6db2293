module ways_go

go 1.22
