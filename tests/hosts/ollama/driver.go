package main

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

static void *open_library(const char *path, int flags) { return dlopen(path, flags); }
static void *find(void *library, const char *name) { return dlsym(library, name); }
static const char *why(void) { return dlerror(); }

static uintptr_t call(void *function, uintptr_t a, uintptr_t b, uintptr_t c) {
	return ((uintptr_t(*)(uintptr_t, uintptr_t, uintptr_t))function)(a, b, c);
}
*/
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"
)

const (
	lazy  = C.RTLD_LAZY
	now   = C.RTLD_NOW
	local = C.RTLD_LOCAL
	globl = C.RTLD_GLOBAL
)

// library is an open shared library, with the functions that were looked up in it.
type library struct {
	handle    unsafe.Pointer
	functions map[string]unsafe.Pointer
}

// openFirst opens the first of these that the loader finds and looks up names; all must exist, but for optional ones.
func openFirst(flags C.int, paths, names, optional []string) (*library, error) {
	var err error
	for _, path := range paths {
		text := C.CString(path)
		handle := C.open_library(text, flags)
		C.free(unsafe.Pointer(text))
		if handle == nil {
			err = errors.New(C.GoString(C.why()))
			continue
		}
		lib := &library{handle, map[string]unsafe.Pointer{}}
		for _, name := range append(append([]string{}, names...), optional...) {
			text := C.CString(name)
			lib.functions[name] = C.find(handle, text)
			C.free(unsafe.Pointer(text))
		}
		for _, name := range names {
			if lib.functions[name] == nil {
				return nil, fmt.Errorf("%s lacks %s", path, name)
			}
		}
		return lib, nil
	}
	return nil, err
}

// call calls a function with up to three arguments of a register each; an absent function gives -1.
func (l *library) call(name string, arguments ...uintptr) uintptr {
	var a [3]uintptr
	copy(a[:], arguments)
	if l.functions[name] == nil {
		return ^uintptr(0)
	}
	return uintptr(C.call(l.functions[name], C.uintptr_t(a[0]), C.uintptr_t(a[1]), C.uintptr_t(a[2])))
}

// status is call for functions that return an int or an enum.
func (l *library) status(name string, arguments ...uintptr) int {
	return int(int32(l.call(name, arguments...)))
}

// buffer is zeroed memory of C's for what functions write; its size allows for every structure read here.
type buffer struct{ pointer unsafe.Pointer }

const bufferSize = 4096

func newBuffer() buffer { return buffer{C.calloc(1, bufferSize)} }

func (b buffer) free()            { C.free(b.pointer) }
func (b buffer) address() uintptr { return uintptr(b.pointer) }
func (b buffer) bytes() []byte    { return unsafe.Slice((*byte)(b.pointer), bufferSize) }
func (b buffer) int() int         { return int(int32(binary.NativeEndian.Uint32(b.bytes()))) }
func (b buffer) uint64(offset int) uint64 {
	return binary.NativeEndian.Uint64(b.bytes()[offset:])
}
func (b buffer) text() string { return C.GoString((*C.char)(b.pointer)) }

// textAt reads the string that a pointer at this offset leads to.
func (b buffer) textAt(offset int) string {
	pointer := *(*unsafe.Pointer)(unsafe.Add(b.pointer, offset))
	if pointer == nil {
		return ""
	}
	return C.GoString((*C.char)(pointer))
}

func textOf(address uintptr) string {
	return C.GoString(*(**C.char)(unsafe.Pointer(&address)))
}

// withText passes a C string that lives as long as the call.
func withText(text string, use func(address uintptr)) {
	copied := C.CString(text)
	defer C.free(unsafe.Pointer(copied))
	use(uintptr(unsafe.Pointer(copied)))
}
