package bench

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
)

// memory is what a worker knows of its own heap, since it was started.
type memory struct {
	Allocations uint64 `json:"allocations"`
	Bytes       uint64 `json:"bytes"`
}

// marks are the beginning and the end of the measured time, as a services worker sees them.
type marks struct {
	profile string // file, or "" for none
	file    *os.File
}

// next tells the memory statistics; the first mark starts the CPU profile, the second ends it.
func (m *marks) next() (*memory, error) {
	if m.file != nil {
		m.end()
		m.profile = ""
	}
	if m.profile != "" {
		if err := m.begin(); err != nil {
			return nil, err
		}
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return &memory{Allocations: stats.Mallocs, Bytes: stats.TotalAlloc}, nil
}

func (m *marks) begin() (err error) {
	if m.file, err = os.Create(m.profile); err != nil {
		return fmt.Errorf("write the CPU profile: %w", err)
	}
	if err := pprof.StartCPUProfile(m.file); err != nil {
		return fmt.Errorf("write the CPU profile: %w", err)
	}
	return nil
}

func (m *marks) end() {
	if m.file == nil {
		return
	}
	pprof.StopCPUProfile()
	m.file.Close()
	m.file = nil
}
