package crashtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// instance is one process of a service, and what stands between it and the world. It can be started again and again.
type instance struct {
	service, name string
	slot          string   // kept over its lives, "" for a member that is dynamic
	program       []string // binary and arguments but those that the instance adds
	proxy         *proxy
	relay         *relay // nil but for the notifier
	said          *transcript

	mu      sync.Mutex
	process *exec.Cmd
	exited  chan struct{}
	ending  bool // it was told to end, or killed
	failed  func(error)
}

// transcript keeps what a process says, in a file, and lets one wait for it to have joined its group.
type transcript struct {
	mu     sync.Mutex
	file   *os.File
	tail   []byte
	joined int
	more   chan struct{}
}

func newTranscript(path string) (*transcript, error) {
	file, err := os.Create(path)
	return &transcript{file: file, more: make(chan struct{})}, err
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.joined += bytes.Count(p, []byte("has joined its group"))
	t.tail = append(t.tail, p...)
	if most := 4 << 10; len(t.tail) > most {
		t.tail = slices.Clone(t.tail[len(t.tail)-most:])
	}
	close(t.more)
	t.more = make(chan struct{})
	return t.file.Write(p)
}

func (t *transcript) look() (joined int, more <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.joined, t.more
}

func (t *transcript) end() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.tail)
}

// start starts the process. It ends with the test binary, also when that is killed: the kernel ends it with the thread that started
// it, so that thread is kept.
func (i *instance) start() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	args := append(slices.Clone(i.program[1:]), "--brokers", i.proxy.addrs(), "--instance", i.name)
	if i.slot != "" {
		args = append(args, "--slot", i.slot)
	}
	if i.relay != nil {
		args = append(args, "--smtp-addr", i.relay.Addr().String())
	}
	cmd := exec.Command(i.program[0], args...)
	cmd.Stderr = i.said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started, exited := make(chan error, 1), make(chan struct{})
	i.process, i.exited, i.ending = cmd, exited, false
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		if err = cmd.Wait(); err == nil {
			err = errors.New("exit code 0")
		}
		i.mu.Lock()
		unbidden := !i.ending
		i.mu.Unlock()
		if unbidden {
			i.failed(fmt.Errorf("%s ended by itself: %w\n%s", i.name, err, i.said.end()))
		}
		close(exited)
	}()
	return <-started
}

// kill ends the process as a crash does, and returns when it has ended.
func (i *instance) kill() {
	i.mu.Lock()
	i.ending = true
	process, exited := i.process, i.exited
	i.mu.Unlock()
	_ = process.Process.Kill() // may have ended already
	<-exited
}

func (i *instance) signal(s syscall.Signal) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.process.Process.Signal(s)
}

// stopTimeout is more than a service takes to stop at most, which is the drain time and some farewells.
const stopTimeout = 30 * time.Second

// stop lets the process drain and end, as an operator does. It must end well, and in time.
func (i *instance) stop() error {
	i.mu.Lock()
	i.ending = true
	process, exited := i.process, i.exited
	i.mu.Unlock()
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s: %w", i.name, err)
	}
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-exited:
	case <-timer.C:
		i.kill()
		return fmt.Errorf("%s didn't stop within %s\n%s", i.name, stopTimeout, i.said.end())
	}
	if !process.ProcessState.Success() {
		return fmt.Errorf("%s ended with %s\n%s", i.name, process.ProcessState, i.said.end())
	}
	return nil
}

// awaitJoined waits until it has joined its group more than so many times, counted over all its lives.
func (i *instance) awaitJoined(before int, giveUp <-chan struct{}) error {
	timer := time.NewTimer(joinTimeout)
	defer timer.Stop()
	for {
		joined, more := i.said.look()
		if joined > before {
			return nil
		}
		select {
		case <-more:
		case <-giveUp:
			return errors.New("given up")
		case <-timer.C:
			return fmt.Errorf("%s didn't join its group within %s\n%s", i.name, joinTimeout, i.said.end())
		}
	}
}

// joinTimeout is more than a group takes at most to give up its dead members and wait out their transactions.
const joinTimeout = 2 * time.Minute

// build compiles a command of this module.
func build(folder, what string) (string, error) {
	binary := filepath.Join(folder, filepath.Base(what))
	out, err := exec.Command("go", "build", "-o", binary, what).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", what, err, strings.TrimSpace(string(out)))
	}
	return binary, nil
}
