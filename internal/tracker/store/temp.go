package store

import (
	"errors"
	"os"
	"path/filepath"
)

const tempPattern = "skald-tracker-"

// tempDir is a directory for one process's database. The process holds a lock in it, so that what a killed one left behind
// can be told from what is in use, and is removed by the next.
type tempDir struct {
	path string
	lock *os.File
}

func newTempDir() (*tempDir, error) {
	sweep()
	for try := 0; ; try++ {
		d, err := lockedDir()
		// Between the making of the lock file and its locking, another process's sweep may take it for a dead one's.
		if err == nil || try == 3 {
			return d, err
		}
	}
}

func lockedDir() (*tempDir, error) {
	path, err := os.MkdirTemp("", tempPattern)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(path, "lock")
	lock, err := lockFile(name)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	if _, err := os.Stat(name); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &tempDir{path: path, lock: lock}, nil
}

func (d *tempDir) remove() error {
	// First all but the lock: while it is held, no other process's sweep gets in between.
	return errors.Join(os.RemoveAll(filepath.Join(d.path, "tracker.db")), os.RemoveAll(filepath.Join(d.path, "tracker.db-wal")),
		os.RemoveAll(filepath.Join(d.path, "tracker.db-shm")), d.lock.Close(), os.RemoveAll(d.path))
}

// sweep removes what killed processes left behind. What can't be removed stays: it is no reason not to start. A directory
// whose lock file isn't there yet belongs to a process that is just starting.
func sweep() {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), tempPattern+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		name := filepath.Join(dir, "lock")
		if _, err := os.Stat(name); err != nil {
			continue
		}
		if lock, err := lockFile(name); err == nil {
			_ = os.RemoveAll(dir)
			_ = lock.Close()
		}
	}
}
