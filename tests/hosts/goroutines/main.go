// A Go program with cgo: 64 goroutines call the driver from small stacks and changing threads while the garbage collector
// runs, memory is profiled by signals, and children are started.
package main

/*
#cgo LDFLAGS: -ldl
#cgo CFLAGS: -I${SRCDIR}/..
#include "ask.h"

static int open_driver(void) {
	ask_driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
	return ask_driver != NULL;
}

static int ask_here(struct ask_answers *answers) { return ask(answers, ask_dlsym); }
*/
import "C"

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"sync"
)

const (
	goroutines = 64
	rounds     = 20
)

func answers() string {
	var found C.struct_ask_answers
	C.ask_here(&found)
	return C.GoString(&found.text[0])
}

func main() {
	runtime.LockOSThread() // dlerror is the thread's
	if C.open_driver() == 0 {
		fmt.Println("no driver: " + C.GoString(C.dlerror()))
		os.Exit(1)
	}
	if len(os.Args) > 1 {
		fmt.Print(answers())
		return
	}
	pprof.StartCPUProfile(io.Discard)
	defer pprof.StopCPUProfile()

	expected := answers()
	var running sync.WaitGroup
	same := make(chan bool, goroutines*rounds)
	for range goroutines {
		running.Add(1)
		go func() {
			defer running.Done()
			for range rounds {
				same <- answers() == expected
				_ = make([]byte, 1<<16)
				runtime.Gosched()
			}
		}()
	}
	children := 0
	for range 3 {
		runtime.GC()
		output, err := exec.Command("/proc/self/exe", "child").Output()
		if err == nil && string(output) == expected {
			children++
		}
	}
	running.Wait()
	close(same)
	agreeing := 0
	for agrees := range same {
		if agrees {
			agreeing++
		}
	}
	fmt.Print(expected)
	fmt.Printf("%d of %d calls agree\n", agreeing, goroutines*rounds)
	fmt.Printf("%d of 3 children agree\n", children)
}
