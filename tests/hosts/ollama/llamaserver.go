package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// llamaServerPass runs llama-server until it says system_info:, then for its list, then gpu-discover.
func llamaServerPass(ctx context.Context, folders []string, environment map[string]string) ([]device, error) {
	server := filepath.Join(folders[0], "llama-server")
	started, err := untilSystemInfo(ctx, server, folders, environment)
	if err != nil {
		return nil, err
	}
	list := exec.CommandContext(ctx, server, "--list-devices", "--offline", "--verbose")
	list.WaitDelay = waitDelay
	list.Env = childEnvironment(folders, environment)
	listed, err := list.CombinedOutput()
	trace(string(listed))
	if err != nil {
		return nil, fmt.Errorf("llama-server --list-devices failed: %w%s", err, errorLines(string(listed)))
	}
	native, stderr, err := runProbe(ctx, folders, environment)
	if err != nil {
		slog.Debug("native GPU discovery failed", "error", err, "stderr", stderr, "libDirs", folders)
	}
	return readDevices(string(listed)+"\n"+started+"\n"+stderr, folders, native), nil
}

// untilSystemInfo returns the server's stderr up to that line, where it is killed.
func untilSystemInfo(ctx context.Context, server string, folders []string, environment map[string]string) (string, error) {
	port := 49152 + os.Getpid()%16383
	command := exec.CommandContext(ctx, server, "--port", strconv.Itoa(port), "--host", "127.0.0.1",
		"--no-webui", "--offline", "--verbose")
	command.WaitDelay = waitDelay
	command.Env = childEnvironment(folders, environment)
	stderr, err := command.StderrPipe()
	if err != nil {
		return "", err
	}
	if err := command.Start(); err != nil {
		return "", err
	}
	var lines []string
	found := false
	for scanner := bufio.NewScanner(stderr); !found && scanner.Scan(); {
		lines = append(lines, scanner.Text())
		found = strings.Contains(scanner.Text(), "system_info:")
	}
	command.Process.Kill()
	command.Wait()
	said := strings.Join(lines, "\n")
	trace(said)
	if ctx.Err() != nil {
		slog.Warn("llama-server discovery: timed out waiting for server startup", "error", ctx.Err(),
			"libDirs", folders, "lines_captured", len(lines))
		return "", ctx.Err()
	}
	if !found {
		slog.Warn("llama-server discovery: system_info line not found in output - CUDA architecture "+
			"filtering will be disabled.", "libDirs", folders, "lines_captured", len(lines),
			"detail", errorLines(said))
	}
	return said, nil
}

// runProbe runs this program as gpu-discover, whose stdout must be JSON and nothing else.
func runProbe(ctx context.Context, folders []string, environment map[string]string) ([]probed, string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	arguments := []string{"gpu-discover"}
	for _, folder := range folders {
		arguments = append(arguments, "--lib-dir", folder)
	}
	command := exec.CommandContext(ctx, program, arguments...)
	command.WaitDelay = waitDelay
	command.Env = childEnvironment(folders, environment)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdout, err := command.Output()
	trace(stderr.String())
	if err != nil {
		return nil, stderr.String(), err
	}
	var result probeResult
	err = json.Unmarshal(stdout, &result)
	return result.Devices, stderr.String(), err
}

// childEnvironment is ours, LD_PRELOAD included, with LD_LIBRARY_PATH rebuilt: ollama's folders first, the user's last.
func childEnvironment(folders []string, more map[string]string) []string {
	paths := folders
	if users := os.Getenv("LD_LIBRARY_PATH"); users != "" {
		paths = append(append([]string{}, folders...), filepath.SplitList(users)...)
	}
	updates := map[string]string{"LD_LIBRARY_PATH": strings.Join(paths, ":")}
	backend := filepath.Join(folders[len(folders)-1], "libggml-cuda.so")
	if _, err := os.Stat(backend); err == nil {
		updates["GGML_BACKEND_PATH"] = backend
	}
	for name, value := range more {
		updates[name] = value
	}
	var environment []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if _, replaced := updates[name]; !replaced {
			environment = append(environment, entry)
		}
	}
	for name, value := range updates {
		environment = append(environment, name+"="+value)
	}
	return environment
}

var (
	deviceLine   = regexp.MustCompile(`^\s+(.+?):\s+(.+?)\s+\((\d+)\s+MiB,\s+(\d+)\s+MiB\s+free\)`)
	computeLine  = regexp.MustCompile(`Device\s+(\d+):.*compute capability\s+(\d+)\.(\d+)`)
	architecture = regexp.MustCompile(`CUDA\s*:\s*ARCHS\s*=\s*([\d,]+)`)
)

// readDevices reads all that the three processes said, as ollama does: what our library prints is read too.
func readDevices(output string, folders []string, native []probed) []device {
	compute := map[int][2]int{}
	supported := map[string]bool{}
	for _, line := range strings.Split(output, "\n") {
		if m := computeLine.FindStringSubmatch(line); m != nil {
			compute[atoi(m[1])] = [2]int{atoi(m[2]), atoi(m[3])}
		}
		if m := architecture.FindStringSubmatch(line); m != nil {
			supported = map[string]bool{}
			for _, number := range strings.Split(m[1], ",") {
				supported[number] = true
			}
		}
	}
	byIndex := map[int]probed{}
	for _, p := range native {
		byIndex[p.Index] = p
		if p.ComputeMajor > 0 {
			compute[p.Index] = [2]int{p.ComputeMajor, p.ComputeMinor}
		}
	}

	var devices []device
	index := -1
	for _, line := range strings.Split(output, "\n") {
		m := deviceLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		index++
		d := device{
			id: strconv.Itoa(index), visible: visibleName(index), library: "CUDA", name: m[1], description: m[2], folders: folders,
			total: uint64(atoi(m[3])) << 20, free: uint64(atoi(m[4])) << 20,
		}
		if d.total == 0 {
			slog.Debug("skipping pseudo-device with zero memory", "name", d.name, "description", d.description)
			continue
		}
		capability, known := compute[index]
		number := fmt.Sprintf("%d%d0", capability[0], capability[1])
		if known && len(supported) > 0 && !supported[number] {
			slog.Info("skipping CUDA device — compute capability not in compiled architectures",
				"device", d.description, "cc", number, "libDirs", folders)
			continue
		}
		d.computeMajor, d.computeMinor = capability[0], capability[1]
		if p, ok := byIndex[index]; ok {
			d.pciID, d.uuid, d.integrated = p.DeviceID, p.UUID, p.Integrated
			d.driverMajor, d.driverMinor, d.branch = p.CUDADriverMajor, p.CUDADriverMinor, p.NVIDIADriverMajor
		}
		devices = append(devices, d)
	}
	return devices
}

// visibleName is what makes a device, counted among those visible to us, visible to a child.
func visibleName(index int) string {
	users := strings.FieldsFunc(os.Getenv("CUDA_VISIBLE_DEVICES"), func(r rune) bool { return r == ',' || r == ' ' })
	if index < len(users) {
		return users[index]
	}
	return strconv.Itoa(index)
}

// errorLines picks out what ollama takes for the reason of a failure.
func errorLines(output string) string {
	var found []string
	for _, line := range strings.Split(output, "\n") {
		for _, mark := range []string{"error:", "CUDA error", "out of memory"} {
			if strings.Contains(line, mark) {
				found = append(found, strings.TrimSpace(line))
				break
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	return ": " + strings.Join(found, "; ")
}

func trace(said string) {
	if tracing() {
		fmt.Fprintln(os.Stderr, said)
	}
}

func atoi(digits string) int {
	number, _ := strconv.Atoi(digits)
	return number
}
