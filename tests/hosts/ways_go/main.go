// ways_go WAY: a Go program with cgo that takes the way while 63 other goroutines allocate and the garbage collector
// runs; then 64 of them call.
package main

/*
#cgo LDFLAGS: -ldl
#cgo CFLAGS: -I${SRCDIR}/..
#include "sibling.h"
#include "ways.h"

static int run_way(void) {
	char path[PATH_MAX];
	void *library = dlopen(sibling(path, "libways.so"), RTLD_NOW | RTLD_LOCAL);
	void (*run)(const struct ways *) = library ? dlsym(library, "ways_run") : NULL;
	if (run)
		run(NULL);
	return run != NULL;
}

static void *find(const char *name) {
	return dlsym(dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL), name);
}

static void ask_here(struct ask_answers *answers) { ask(answers, find); }
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

const goroutines = 64

func answers() string {
	var found C.struct_ask_answers
	C.ask_here(&found)
	return C.GoString(&found.text[0])
}

func main() {
	var done atomic.Bool
	var running sync.WaitGroup
	said := make([]string, goroutines)
	for i := 1; i < goroutines; i++ {
		running.Add(1)
		go func() {
			defer running.Done()
			for !done.Load() {
				_ = make([]byte, 1<<14)
				runtime.Gosched()
			}
			said[i] = answers()
		}()
	}
	go func() {
		for !done.Load() {
			runtime.GC()
		}
	}()
	if C.run_way() == 0 {
		fmt.Println("no libways.so: " + C.GoString(C.dlerror()))
		os.Exit(1)
	}
	if os.Args[1] == "at_exit" {
		done.Store(true)
		running.Wait()
		C.exit(0) // Go's own end runs no function of atexit
	}
	done.Store(true)
	said[0] = answers()
	running.Wait()
	agreeing := 0
	for _, text := range said {
		if text == said[0] {
			agreeing++
		}
	}
	fmt.Printf("%s%d of %d goroutines agree\n", said[0], agreeing, goroutines)
}
