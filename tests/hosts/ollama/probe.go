package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// CU_DEVICE_ATTRIBUTE_… numbers.
const (
	attributeIntegrated   = 18
	attributeComputeMajor = 75
	attributeComputeMinor = 76
)

// ggml_backend_dev_props: name, description, memory_free, memory_total, type, device_id, capabilities.
const (
	propsDescription = 8
	propsFree        = 16
	propsTotal       = 24
	propsType        = 32
	propsDeviceID    = 40
)

// ggml_backend_dev_type
const typeIntegratedGPU = 2

// probed is one device as gpu-discover prints it.
type probed struct {
	Library             string `json:"library"`
	Index               int    `json:"index"`
	IndexMatchesBackend bool   `json:"index_matches_backend,omitempty"`
	Name                string `json:"name,omitempty"`
	Description         string `json:"description,omitempty"`
	DeviceID            string `json:"device_id,omitempty"`
	UUID                string `json:"uuid,omitempty"` // not in ollama: for the pass that goes by UUID
	Integrated          bool   `json:"integrated,omitempty"`
	IntegratedKnown     bool   `json:"integrated_known"`
	TotalMemory         uint64 `json:"total_memory,omitempty"`
	FreeMemory          uint64 `json:"free_memory,omitempty"`
	ComputeMajor        int    `json:"compute_major,omitempty"`
	ComputeMinor        int    `json:"compute_minor,omitempty"`
	CUDADriverMajor     int    `json:"cuda_driver_major,omitempty"`
	CUDADriverMinor     int    `json:"cuda_driver_minor,omitempty"`
	NVIDIADriverMajor   int    `json:"nvidia_driver_major,omitempty"`
}

type probeResult struct {
	Devices []probed `json:"devices"`
}

func printProbe(folders []string) error {
	devices, ggmlErr := probeGGML(folders)
	driver, driverErr := probeDriver()
	devices = merge(devices, driver)
	if len(devices) == 0 {
		if err := errors.Join(ggmlErr, driverErr); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(probeResult{devices})
}

func libraryFile(folder, name string) string {
	exact := filepath.Join(folder, "lib"+name+".so")
	if _, err := os.Stat(exact); err == nil {
		return exact
	}
	if found, _ := filepath.Glob(exact + ".*"); len(found) > 0 {
		return found[len(found)-1]
	}
	return exact
}

func probeGGML(folders []string) ([]probed, error) {
	if len(folders) == 0 {
		return nil, errors.New("no library directories provided")
	}
	base, err := openFirst(now|globl, []string{libraryFile(folders[0], "ggml-base")}, []string{
		"ggml_backend_reg_dev_count", "ggml_backend_reg_dev_get", "ggml_backend_reg_name",
		"ggml_backend_dev_get_props",
	}, nil)
	if err != nil {
		return nil, err
	}
	ggml, err := openFirst(now|globl, []string{libraryFile(folders[0], "ggml")},
		[]string{"ggml_backend_load"}, nil)
	if err != nil {
		return nil, err
	}
	var devices []probed
	for _, folder := range folders {
		path := filepath.Join(folder, "libggml-cuda.so")
		if _, err := os.Stat(path); err != nil {
			continue
		}
		var backend uintptr
		withText(path, func(text uintptr) { backend = ggml.call("ggml_backend_load", text) })
		if backend != 0 {
			devices = append(devices, probeBackend(base, backend)...)
		}
	}
	return devices, nil
}

func probeBackend(base *library, backend uintptr) []probed {
	var devices []probed
	name := textOf(base.call("ggml_backend_reg_name", backend))
	for i := range int(base.call("ggml_backend_reg_dev_count", backend)) {
		props := newBuffer()
		defer props.free()
		device := base.call("ggml_backend_reg_dev_get", backend, uintptr(i))
		base.call("ggml_backend_dev_get_props", device, props.address())
		if props.uint64(propsTotal) == 0 {
			continue
		}
		kind := int32(props.uint64(propsType))
		devices = append(devices, probed{
			Library:             name,
			Index:               i,
			IndexMatchesBackend: true,
			Name:                props.textAt(0),
			Description:         props.textAt(propsDescription),
			DeviceID:            props.textAt(propsDeviceID),
			Integrated:          kind == typeIntegratedGPU,
			IntegratedKnown:     kind == 1 || kind == typeIntegratedGPU,
			FreeMemory:          props.uint64(propsFree),
			TotalMemory:         props.uint64(propsTotal),
		})
	}
	return devices
}

func probeDriver() ([]probed, error) {
	cuda, err := openFirst(now|local, []string{"libcuda.so.1", "libcuda.so"}, []string{
		"cuInit", "cuDriverGetVersion", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetAttribute",
		"cuDeviceGetName", "cuDeviceTotalMem_v2",
	}, []string{"cuDeviceGetPCIBusId", "cuDeviceGetUuid_v2"})
	if err != nil {
		return nil, err
	}
	if status := cuda.status("cuInit", 0); status != 0 {
		return nil, fmt.Errorf("cuInit failed: %d", status)
	}
	out := newBuffer()
	defer out.free()
	version := 0
	if cuda.status("cuDriverGetVersion", out.address()) == 0 {
		version = out.int()
	}
	branch, _ := driverBranch()
	if status := cuda.status("cuDeviceGetCount", out.address()); status != 0 {
		return nil, fmt.Errorf("cuDeviceGetCount failed: %d", status)
	}
	var devices []probed
	for i := range out.int() {
		if device, ok := probeDevice(cuda, i); ok {
			device.CUDADriverMajor, device.CUDADriverMinor = version/1000, version%1000/10
			device.NVIDIADriverMajor = branch
			devices = append(devices, device)
		}
	}
	return devices, nil
}

func probeDevice(cuda *library, index int) (probed, bool) {
	out := newBuffer()
	defer out.free()
	if cuda.status("cuDeviceGet", out.address(), uintptr(index)) != 0 {
		return probed{}, false
	}
	handle := uintptr(out.int())
	attribute := func(number uintptr) int {
		if cuda.status("cuDeviceGetAttribute", out.address(), number, handle) != 0 {
			return 0
		}
		return out.int()
	}
	device := probed{Library: "CUDA", Index: index, IndexMatchesBackend: true, IntegratedKnown: true}
	device.ComputeMajor = attribute(attributeComputeMajor)
	device.ComputeMinor = attribute(attributeComputeMinor)
	device.Integrated = attribute(attributeIntegrated) == 1
	if cuda.status("cuDeviceGetName", out.address(), 128, handle) == 0 {
		device.Description = out.text()
	}
	if cuda.status("cuDeviceTotalMem_v2", out.address(), handle) == 0 {
		device.TotalMemory = out.uint64(0)
	}
	if cuda.status("cuDeviceGetPCIBusId", out.address(), 32, handle) == 0 {
		device.DeviceID = strings.ToLower(out.text())
	}
	if cuda.status("cuDeviceGetUuid_v2", out.address(), handle) == 0 {
		device.UUID = uuidText(out.bytes()[:16])
	}
	return device, true
}

func uuidText(uuid []byte) string {
	return fmt.Sprintf("GPU-%x-%x-%x-%x-%x", uuid[:4], uuid[4:6], uuid[6:8], uuid[8:10], uuid[10:16])
}

// driverBranch is the major number of the kernel driver's version, 580 of "580.159.04", by NVML.
func driverBranch() (int, error) {
	nvml, err := openFirst(now|local, []string{"libnvidia-ml.so.1", "libnvidia-ml.so"},
		[]string{"nvmlInit_v2", "nvmlShutdown", "nvmlSystemGetDriverVersion"}, nil)
	if err != nil {
		return 0, err
	}
	if status := nvml.status("nvmlInit_v2"); status != 0 {
		return 0, fmt.Errorf("nvmlInit_v2 failed: %d", status)
	}
	defer nvml.status("nvmlShutdown")
	out := newBuffer()
	defer out.free()
	if status := nvml.status("nvmlSystemGetDriverVersion", out.address(), 80); status != 0 {
		return 0, fmt.Errorf("nvmlSystemGetDriverVersion failed: %d", status)
	}
	major, _, _ := strings.Cut(out.text(), ".")
	return strconv.Atoi(major)
}

// merge adds what the driver says to what ggml says, where both mean the same device.
func merge(devices, driver []probed) []probed {
	if len(devices) == 0 {
		return driver
	}
	for _, extra := range driver {
		for i := range devices {
			device := &devices[i]
			same := device.Index == extra.Index
			if device.DeviceID != "" && extra.DeviceID != "" {
				same = strings.EqualFold(device.DeviceID, extra.DeviceID)
			}
			if !same {
				continue
			}
			device.Integrated = extra.Integrated
			device.UUID = extra.UUID
			device.ComputeMajor, device.ComputeMinor = extra.ComputeMajor, extra.ComputeMinor
			device.CUDADriverMajor, device.CUDADriverMinor = extra.CUDADriverMajor, extra.CUDADriverMinor
			device.NVIDIADriverMajor = extra.NVIDIADriverMajor
		}
	}
	return devices
}
