package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	passTimeout    = 30 * time.Second
	refreshTimeout = 3 * time.Second
	waitDelay      = 5 * time.Second
	// NVIDIA's driver branch that ollama asks for where a device is older than compute capability 7.0
	oldestBranch = 570
)

// device is what a pass over one folder of backends found.
type device struct {
	id, library, name, description, pciID string
	visible, uuid                         string // for CUDA_VISIBLE_DEVICES
	computeMajor, computeMinor            int
	driverMajor, driverMinor, branch      int
	integrated                            bool
	total, free                           uint64
	folders                               []string
}

func (d device) compute() string { return fmt.Sprintf("%d.%d", d.computeMajor, d.computeMinor) }

func (d device) folder() string { return d.folders[len(d.folders)-1] }

// pass starts what asks for the devices of these folders, with more environment, and reads what it says.
type pass func(ctx context.Context, folders []string, environment map[string]string) ([]device, error)

func discover(root string, engine, refresh bool) {
	root, err := filepath.Abs(root)
	if err != nil {
		fail(err.Error() + "\n")
	}
	run := pass(llamaServerPass)
	if engine {
		run = enginePass
	}
	slog.Info("discovering available GPUs...")
	for _, name := range []string{"CUDA_VISIBLE_DEVICES"} {
		if value := os.Getenv(name); value != "" {
			slog.Warn("user overrode visible devices", name, value)
		}
	}

	var devices []device
	for _, folders := range libraryFolders(root) {
		devices = append(devices, firstPass(run, folders)...)
	}
	slog.Debug("evaluating which, if any, devices to filter out", "initial_count", len(devices))
	devices = dropDuplicates(dropUninitialized(run, devices))
	for i := range devices {
		if _, err := strconv.Atoi(devices[i].id); err == nil {
			devices[i].id = strconv.Itoa(i) // counted among those that are left
		}
	}
	if refresh {
		refreshFree(run, devices)
	}
	logDetails(devices)
}

// libraryFolders gives, for each sub-folder with a backend of ggml's, the folders that a pass is given.
func libraryFolders(root string) [][]string {
	found, _ := filepath.Glob(filepath.Join(root, "*", "*ggml-*"))
	seen := map[string]bool{}
	var folders [][]string
	for _, file := range found {
		if folder := filepath.Dir(file); !seen[folder] {
			seen[folder] = true
			folders = append(folders, []string{root, folder})
		}
	}
	if len(folders) == 0 {
		return [][]string{{root}}
	}
	return folders
}

func firstPass(run pass, folders []string) []device {
	ctx, cancel := context.WithTimeout(context.Background(), passTimeout)
	defer cancel()
	devices, err := run(ctx, folders, nil)
	if err != nil {
		slog.Info("failure during llama-server GPU discovery", "OLLAMA_LIBRARY_PATH", folders, "error", err)
	}
	var kept []device
	for _, d := range devices {
		switch {
		case filepath.Base(d.folder()) == "cuda_v12" && d.computeMajor < 7 && d.branch > 0 && d.branch < oldestBranch:
			slog.Warn("NVIDIA driver too old", "device", d.description, "compute", d.compute(),
				"driver", d.branch, "required_driver", "570 or newer")
		case d.integrated:
			slog.Info("dropping integrated GPU; to enable, set OLLAMA_IGPU_ENABLE=1", "id", d.id,
				"library", d.library, "compute", d.compute(), "name", d.name,
				"description", d.description, "pci_id", d.pciID)
		default:
			kept = append(kept, d)
		}
	}
	return kept
}

// dropUninitialized asks again for each device, alone visible by its index and then by its UUID.
func dropUninitialized(run pass, devices []device) []device {
	ctx, cancel := context.WithTimeout(context.Background(), passTimeout)
	defer cancel()
	found := make([]bool, len(devices))
	var running sync.WaitGroup
	for i, d := range devices {
		slog.Debug("verifying if device is supported", "library", d.folder(), "description", d.description,
			"compute", d.compute(), "id", d.id, "pci_id", d.pciID)
		running.Add(1)
		go func() {
			defer running.Done()
			found[i] = true
			for _, visible := range []string{d.visible, d.uuid} {
				if visible == "" {
					continue
				}
				environment := map[string]string{"CUDA_VISIBLE_DEVICES": visible, "GGML_CUDA_INIT": "1"}
				again, _ := run(ctx, d.folders, environment)
				if len(again) == 0 {
					slog.Debug("filtering device which didn't fully initialize", "id", visible,
						"libdir", d.folder(), "pci_id", d.pciID, "library", d.library)
					found[i] = false
				}
			}
		}()
	}
	running.Wait()
	var kept []device
	for i, d := range devices {
		if found[i] {
			kept = append(kept, d)
		}
	}
	return kept
}

// dropDuplicates keeps, of devices of one library with one PCI id, that of the folder whose name sorts last.
func dropDuplicates(devices []device) []device {
	sort.SliceStable(devices, func(i, j int) bool { return devices[i].folder() > devices[j].folder() })
	seen := map[string]bool{}
	var kept []device
	for _, d := range devices {
		key := d.library + " " + strings.ToLower(d.pciID)
		if d.pciID == "" {
			key = d.library + " " + d.id
		}
		if seen[key] {
			slog.Debug("filtering device with overlapping libraries", "id", d.id, "library", d.folder(), "pci_id", d.pciID)
			continue
		}
		seen[key] = true
		kept = append(kept, d)
	}
	return kept
}

func refreshFree(run pass, devices []device) {
	ctx, cancel := context.WithTimeout(context.Background(), refreshTimeout)
	defer cancel()
	var visible []string
	for _, d := range devices {
		visible = append(visible, d.visible)
	}
	updated := 0
	if len(devices) > 0 {
		again, _ := run(ctx, devices[0].folders,
			map[string]string{"CUDA_VISIBLE_DEVICES": strings.Join(visible, ",")})
		for _, fresh := range again {
			for i := range devices {
				if strings.EqualFold(fresh.pciID, devices[i].pciID) {
					devices[i].free = fresh.free
					updated++
					break
				}
			}
		}
	}
	if updated < len(devices) {
		slog.Warn("unable to refresh free memory, using old values")
	}
}

func logDetails(devices []device) {
	for _, d := range devices {
		var folders []string
		for _, folder := range d.folders {
			folders = append(folders, filepath.Base(folder))
		}
		slog.Info("inference compute",
			"id", d.id,
			"library", d.library,
			"compute", d.compute(),
			"name", d.name,
			"description", d.description,
			"libdirs", strings.Join(folders, ","),
			"driver", fmt.Sprintf("%d.%d", d.driverMajor, d.driverMinor),
			"pci_id", d.pciID,
			"type", "discrete",
			"total", humanBytes(d.total),
			"available", humanBytes(d.free),
		)
	}
	if len(devices) == 0 {
		total, available := systemMemory()
		slog.Info("inference compute", "id", "cpu", "library", "cpu", "compute", "", "name", "cpu",
			"description", "cpu", "libdirs", "ollama", "driver", "", "pci_id", "", "type", "",
			"total", humanBytes(total), "available", humanBytes(available))
	}
}

func humanBytes(bytes uint64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	case bytes >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%d B", bytes)
}

func systemMemory() (total, available uint64) {
	content, _ := os.ReadFile("/proc/meminfo")
	for _, line := range strings.Split(string(content), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kilobytes, _ := strconv.ParseUint(fields[1], 10, 64)
		switch fields[0] {
		case "MemTotal:":
			total = kilobytes << 10
		case "MemAvailable:":
			available = kilobytes << 10
		}
	}
	return total, available
}
