package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console/backend"
)

// switchboard runs services that can be stopped and played one by one, each as skald run would run it in a process of its own.
type switchboard struct {
	cfg   skald.Config
	units []*unit // in the order of the chain

	mu      sync.Mutex
	changed chan struct{}
	closed  bool
	wait    sync.WaitGroup
	failed  chan error // the first error of a service that ended by itself
}

// unit is one service. Its state is guarded by the switchboard.
type unit struct {
	name    string
	service *skald.Service
	state   unitState
	stop    context.CancelFunc
	again   bool // to be played as soon as it has stopped
}

type unitState int

const (
	stopped unitState = iota
	starting
	running
	stopping
)

func newSwitchboard(cfg skald.Config, services ...*skald.Service) *switchboard {
	b := &switchboard{changed: make(chan struct{}), failed: make(chan error, 1)}
	for _, s := range services {
		b.units = append(b.units, &unit{name: s.Name(), service: s})
	}
	cfg.Joined = b.joined
	b.cfg = cfg
	return b
}

// List gives the services in the order of the chain.
func (b *switchboard) List() []backend.ServiceState {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []backend.ServiceState
	for _, u := range b.units {
		all = append(all, backend.ServiceState{
			Name: u.name, Running: u.state == running || u.state == stopping, Changing: u.state == starting || u.state == stopping,
		})
	}
	return all
}

// Changed is closed at the next change of what List gives.
func (b *switchboard) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// Play starts a service and returns; one that is stopping starts when it has stopped.
func (b *switchboard) Play(_ context.Context, name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	u, err := b.find(name)
	if err != nil || b.closed {
		return err
	}
	switch u.state {
	case stopped:
		b.play(u)
	case stopping:
		u.again = true
	}
	return nil
}

// Stop tells a service to drain and returns.
func (b *switchboard) Stop(_ context.Context, name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	u, err := b.find(name)
	if err != nil {
		return err
	}
	u.again = false
	if u.state == starting || u.state == running {
		u.stop()
		b.set(u, stopping)
	}
	return nil
}

// playAll starts every service.
func (b *switchboard) playAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range b.units {
		b.play(u)
	}
}

// close stops all services and waits until they have drained.
func (b *switchboard) close() {
	b.mu.Lock()
	b.closed = true
	for _, u := range b.units {
		u.again = false
		if u.stop != nil {
			u.stop()
		}
	}
	b.mu.Unlock()
	b.wait.Wait()
}

// play is called with the lock held.
func (b *switchboard) play(u *unit) {
	ctx, cancel := context.WithCancel(context.Background())
	u.stop = cancel
	b.set(u, starting)
	b.wait.Go(func() {
		defer cancel()
		err := skald.Run(ctx, b.cfg, u.service)
		b.ended(u, err)
	})
}

func (b *switchboard) ended(u *unit, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.cfg.Logger.Error("service ended", "service", u.name, "error", err)
		select {
		case b.failed <- err:
		default:
		}
	}
	b.set(u, stopped)
	if u.again && !b.closed {
		u.again = false
		b.play(u)
	}
}

// joined is told by the library that a service has its partitions.
func (b *switchboard) joined(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if u, err := b.find(name); err == nil && u.state == starting {
		b.set(u, running)
	}
}

// ready says why no saga could run, or nil.
func (b *switchboard) ready() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range b.units {
		if u.state != running {
			return fmt.Errorf("service %s is not running", u.name)
		}
	}
	return nil
}

func (b *switchboard) set(u *unit, s unitState) {
	u.state = s
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *switchboard) find(name string) (*unit, error) {
	for _, u := range b.units {
		if u.name == name {
			return u, nil
		}
	}
	return nil, fmt.Errorf("there is no service %q", name)
}
