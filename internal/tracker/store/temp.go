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
	path, err := os.MkdirTemp("", tempPattern)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(path, "lock"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
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
