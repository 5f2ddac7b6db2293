package main

// What v0.12 and v0.13 did: a runner of ollama's own, asked over HTTP, whose memory figures come from NVML by UUID.

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cudaDeviceProp: uuid lies at the same place in CUDA 12 and 13.
const (
	propertyUUID     = 256
	cudaComputeMajor = 75
	cudaComputeMinor = 76
)

// ran is a device in the runner's answer.
type ran struct {
	ID           string `json:"id"`
	Library      string `json:"backend"`
	Name         string `json:"name"`
	Description  string `json:"description"`
	PCIID        string `json:"pci_id"`
	Integrated   bool   `json:"integration"`
	TotalMemory  uint64 `json:"total_memory"`
	FreeMemory   uint64 `json:"free_memory"`
	ComputeMajor int
	ComputeMinor int
	DriverMajor  int `json:"driver_major"`
	DriverMinor  int `json:"driver_minor"`
}

func enginePass(ctx context.Context, folders []string, environment map[string]string) ([]device, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	command := exec.Command(program, "runner", "--ollama-engine", "--port", strconv.Itoa(port))
	command.Env = append(childEnvironment(folders, environment),
		"OLLAMA_LIBRARY_PATH="+strings.Join(folders, ":"))
	if tracing() {
		command.Stdout, command.Stderr = os.Stderr, os.Stderr
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	exited := make(chan error, 1)
	go func() { exited <- command.Wait() }()
	defer command.Process.Kill()

	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("failed to finish discovery before timeout")
		case err := <-exited:
			return nil, fmt.Errorf("runner crashed: %v", err)
		case <-tick.C:
			answer, err := ask(ctx, port)
			if err == nil {
				return fromRunner(answer, folders), nil
			}
		}
	}
}

func ask(ctx context.Context, port int) ([]ran, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet,
		fmt.Sprintf("http://127.0.0.1:%d/info", port), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	var devices []ran
	return devices, json.Unmarshal(body, &devices)
}

func fromRunner(answer []ran, folders []string) []device {
	var devices []device
	for _, r := range answer {
		if r.TotalMemory == 0 {
			continue
		}
		devices = append(devices, device{
			id: r.ID, visible: r.ID, library: r.Library, name: r.Name, description: r.Description, pciID: r.PCIID,
			computeMajor: r.ComputeMajor, computeMinor: r.ComputeMinor, integrated: r.Integrated,
			driverMajor: r.DriverMajor, driverMinor: r.DriverMinor,
			total: r.TotalMemory, free: r.FreeMemory, folders: folders,
		})
	}
	return devices
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// serveInfo is the runner: it loads the backends when it is asked.
func serveInfo(port int) error {
	folders := filepath.SplitList(os.Getenv("OLLAMA_LIBRARY_PATH"))
	http.HandleFunc("/info", func(response http.ResponseWriter, _ *http.Request) {
		devices, err := runnerDevices(folders)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		json.NewEncoder(response).Encode(devices)
	})
	return http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", port), nil)
}

func runnerDevices(folders []string) ([]ran, error) {
	devices := []ran{}
	listed, err := probeGGML(folders)
	if err != nil || len(listed) == 0 {
		return devices, err
	}
	// The backend that was loaded has opened this; the build of that time asked it for more than today's does.
	cuda, err := openFirst(now|local, []string{"libcudart.so.13", "libcudart.so.12"},
		[]string{"cudaGetDeviceProperties", "cudaDriverGetVersion", "cudaDeviceGetAttribute"}, nil)
	if err != nil {
		return devices, err
	}
	out := newBuffer()
	defer out.free()
	version := 0
	if cuda.status("cudaDriverGetVersion", out.address()) == 0 {
		version = out.int()
	}
	for _, p := range listed {
		device := ran{
			Library: p.Library, Name: p.Name, Description: p.Description, PCIID: p.DeviceID,
			Integrated: p.Integrated, TotalMemory: p.TotalMemory, FreeMemory: p.FreeMemory,
			DriverMajor: version / 1000, DriverMinor: version % 1000 / 10,
		}
		if cuda.status("cudaDeviceGetAttribute", out.address(), cudaComputeMajor, uintptr(p.Index)) == 0 {
			device.ComputeMajor = out.int()
		}
		if cuda.status("cudaDeviceGetAttribute", out.address(), cudaComputeMinor, uintptr(p.Index)) == 0 {
			device.ComputeMinor = out.int()
		}
		if cuda.status("cudaGetDeviceProperties", out.address(), uintptr(p.Index)) == 0 {
			device.ID = uuidText(out.bytes()[propertyUUID : propertyUUID+16])
		}
		if free, total, err := memoryByUUID(device.ID); err == nil {
			device.FreeMemory, device.TotalMemory = free, total
		} else {
			fmt.Fprintf(os.Stderr, "memory of %s not from NVML: %v\n", device.ID, err)
		}
		devices = append(devices, device)
	}
	return devices, nil
}

func memoryByUUID(uuid string) (free, total uint64, err error) {
	// nvmlErrorString was taken without a check, and called where a step fails.
	nvml, err := openFirst(lazy, []string{"/usr/lib/wsl/lib/libnvidia-ml.so.1", "libnvidia-ml.so.1"}, []string{
		"nvmlInit_v2", "nvmlShutdown", "nvmlDeviceGetHandleByUUID", "nvmlDeviceGetMemoryInfo", "nvmlDeviceGetName",
	}, []string{"nvmlErrorString"})
	if err != nil {
		return 0, 0, err
	}
	if status := nvml.status("nvmlInit_v2"); status != 0 {
		return 0, 0, fmt.Errorf("nvmlInit_v2: %s", textOf(nvml.call("nvmlErrorString", uintptr(status))))
	}
	defer nvml.status("nvmlShutdown")
	out := newBuffer()
	defer out.free()
	var status int
	withText(uuid, func(text uintptr) {
		status = nvml.status("nvmlDeviceGetHandleByUUID", text, out.address())
	})
	if status != 0 {
		return 0, 0, fmt.Errorf("nvmlDeviceGetHandleByUUID: %d", status)
	}
	if status := nvml.status("nvmlDeviceGetMemoryInfo", uintptr(out.uint64(0)), out.address()); status != 0 {
		return 0, 0, fmt.Errorf("nvmlDeviceGetMemoryInfo: %d", status)
	}
	return out.uint64(8), out.uint64(0), nil // nvmlMemory_t: total, free, used
}
