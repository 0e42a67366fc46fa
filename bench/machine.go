package bench

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Machine is where a run took place. What isn't known is empty.
type Machine struct {
	CPU     string `json:"cpu"`
	Cores   int    `json:"cores"`
	Memory  string `json:"memory"`
	Kernel  string `json:"kernel"`
	Go      string `json:"go"`
	FranzGo string `json:"franz_go"`
}

func (m Machine) String() string {
	return fmt.Sprintf("%d cores (%s), %s, %s, %s, franz-go %s", m.Cores, m.CPU, m.Memory, m.Kernel, m.Go, m.FranzGo)
}

func describeMachine() Machine {
	m := Machine{
		CPU: field("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Memory: memoryOf("/proc/meminfo"),
		Go: runtime.Version(), Kernel: runtime.GOOS, FranzGo: "of unknown version",
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = "Linux " + strings.TrimSpace(string(release))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == "github.com/twmb/franz-go" {
				m.FranzGo = dependency.Version
			}
		}
	}
	return m
}

func memoryOf(path string) string {
	var kilobytes int64
	if n, _ := fmt.Sscanf(field(path, "MemTotal"), "%d kB", &kilobytes); n != 1 {
		return "unknown memory"
	}
	return fmt.Sprintf("%.0f GiB", float64(kilobytes)/(1<<20))
}

// field gives the first value of a "key : value" file.
func field(path, key string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(content)) {
		name, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
