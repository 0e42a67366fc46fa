//go:build unix && !solaris && !aix

package store

import (
	"errors"
	"os"
	"syscall"
)

// lockFile opens a file and locks it, or fails at once if another process has it.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// lockDatabase keeps other processes off a SQLite file: two trackers' transactions would take turns, and neither be right.
func lockDatabase(path string) (*os.File, error) {
	f, err := lockFile(path + ".lock")
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errInUse
	}
	return f, err
}
