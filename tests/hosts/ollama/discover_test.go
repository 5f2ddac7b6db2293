package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const said = `system_info: n_threads = 2 | CUDA : ARCHS = 750,800,900,1200 | USE_GRAPHS = 1 |
Available devices:
  CUDA0: NVIDIA H100 80GB HBM3 (81079 MiB, 80552 MiB free)
  CUDA1: NVIDIA L40S (45457 MiB, 45000 MiB free)
  CUDA2: NVIDIA Nothing (0 MiB, 0 MiB free)
  CUDA3: NVIDIA T4 (14912 MiB, 14800 MiB free)
  Device 0: NVIDIA H100 80GB HBM3, compute capability 9.0, VMM: yes, VRAM: 81079 MiB
  Device 1: NVIDIA L40S, compute capability 8.9, VMM: yes, VRAM: 45457 MiB
  Device 3: NVIDIA T4, compute capability 9.0, VMM: yes, VRAM: 14912 MiB
`

func names(devices []device) string {
	var all []string
	for _, d := range devices {
		all = append(all, d.name+" "+d.compute())
	}
	return strings.Join(all, ", ")
}

func capture(t *testing.T) *bytes.Buffer {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &log
}

func TestDevicesWithoutMemoryOrCompiledCodeAreDropped(t *testing.T) {
	log := capture(t)
	native := []probed{{Index: 3, ComputeMajor: 7, ComputeMinor: 5, DeviceID: "0000:0b:00.0"}}
	devices := readDevices(said, []string{"lib"}, native)
	if got := names(devices); got != "CUDA0 9.0, CUDA3 7.5" {
		t.Error(got) // L40S: 890 is not in ARCHS; CUDA3: the executable's answer wins over ggml's line
	}
	if devices[0].total != 81079<<20 || devices[0].free != 80552<<20 || devices[1].pciID != "0000:0b:00.0" {
		t.Error(devices)
	}
	for _, reason := range []string{"not in compiled architectures", "zero memory"} {
		if !strings.Contains(log.String(), reason) {
			t.Error(log.String())
		}
	}
}

func given(devices ...device) pass {
	return func(context.Context, []string, map[string]string) ([]device, error) { return devices, nil }
}

func TestOldDriversAndIntegratedDevicesAreDropped(t *testing.T) {
	capture(t)
	cuda12 := []string{"lib", "lib/cuda_v12"}
	devices := firstPass(given(
		device{name: "kept", computeMajor: 9, branch: 550, folders: cuda12},
		device{name: "old", computeMajor: 6, branch: 550, folders: cuda12},
		device{name: "old, new driver", computeMajor: 6, branch: 580, folders: cuda12},
		device{name: "integrated", computeMajor: 9, integrated: true, folders: cuda12},
	), cuda12)
	if got := names(devices); got != "kept 9.0, old, new driver 6.0" {
		t.Error(got)
	}
}

func TestTheSecondPassGoesByIndexAndByUUID(t *testing.T) {
	capture(t)
	run := func(_ context.Context, _ []string, environment map[string]string) ([]device, error) {
		if environment["GGML_CUDA_INIT"] != "1" {
			t.Error(environment)
		}
		switch environment["CUDA_VISIBLE_DEVICES"] {
		case "0", "GPU-a", "1":
			return []device{{}}, nil
		}
		return nil, nil
	}
	devices := dropUninitialized(run, []device{
		{name: "both", visible: "0", uuid: "GPU-a", folders: []string{"lib"}},
		{name: "not by UUID", visible: "1", uuid: "GPU-b", folders: []string{"lib"}},
		{name: "not by index", visible: "2", uuid: "GPU-a", folders: []string{"lib"}},
	})
	if got := names(devices); got != "both 0.0" {
		t.Error(got)
	}
}

func TestOneDeviceOfEachPCIIdIsKept(t *testing.T) {
	capture(t)
	devices := dropDuplicates([]device{
		{name: "CUDA 12", library: "CUDA", pciID: "0000:0B:00.0", folders: []string{"cuda_v12"}},
		{name: "CUDA 13", library: "CUDA", pciID: "0000:0b:00.0", folders: []string{"cuda_v13"}},
		{name: "another", library: "CUDA", pciID: "0000:0c:00.0", folders: []string{"cuda_v13"}},
	})
	if got := names(devices); got != "CUDA 13 0.0, another 0.0" {
		t.Error(got)
	}
}

func TestOllamasFoldersComeFirstInTheLibraryPath(t *testing.T) {
	folder := t.TempDir()
	backend := filepath.Join(folder, "libggml-cuda.so")
	if err := os.WriteFile(backend, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LD_LIBRARY_PATH", "/users/one:/users/two")
	t.Setenv("LD_PRELOAD", "kept.so")
	environment := map[string]string{}
	for _, entry := range childEnvironment([]string{"/lib/ollama", folder}, map[string]string{"CUDA_VISIBLE_DEVICES": "3"}) {
		name, value, _ := strings.Cut(entry, "=")
		if _, twice := environment[name]; twice {
			t.Error(name)
		}
		environment[name] = value
	}
	for name, value := range map[string]string{
		"LD_LIBRARY_PATH":      "/lib/ollama:" + folder + ":/users/one:/users/two",
		"LD_PRELOAD":           "kept.so",
		"GGML_BACKEND_PATH":    backend,
		"CUDA_VISIBLE_DEVICES": "3",
	} {
		if environment[name] != value {
			t.Errorf("%s is %q", name, environment[name])
		}
	}
}

func TestWhatOllamaTakesForAnErrorIsRead(t *testing.T) {
	found := errorLines("fine\n  CUDA error: out of memory\nllama error: no\n")
	if found != ": CUDA error: out of memory; llama error: no" {
		t.Error(found)
	}
}
