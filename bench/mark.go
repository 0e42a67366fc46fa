package bench

import (
	"errors"
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
	profile string // file name without its suffix, or "" for none
	file    *os.File
}

// next tells the memory statistics; the first mark starts the CPU profile, the second ends it and adds one of all allocations.
func (m *marks) next() (*memory, error) {
	var err error
	switch {
	case m.file != nil:
		m.end()
		err = m.writeAllocations()
		m.profile = ""
	case m.profile != "":
		err = m.begin()
	}
	if err != nil {
		return nil, fmt.Errorf("write a profile: %w", err)
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return &memory{Allocations: stats.Mallocs, Bytes: stats.TotalAlloc}, nil
}

func (m *marks) begin() (err error) {
	if m.file, err = os.Create(m.profile + ".cpu.pprof"); err != nil {
		return err
	}
	return pprof.StartCPUProfile(m.file)
}

func (m *marks) end() {
	if m.file == nil {
		return
	}
	pprof.StopCPUProfile()
	m.file.Close()
	m.file = nil
}

func (m *marks) writeAllocations() error {
	f, err := os.Create(m.profile + ".allocs.pprof")
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}
