package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/kafka/embedded"
)

// The roles of a worker.
const (
	roleBroker   = "broker"
	roleServices = "services"
	roleLoad     = "load"
	roleTracker  = "tracker"
)

// spec is a worker's first line of input: what to be.
type spec struct {
	Role       string        `json:"role"`
	Contestant Contestant    `json:"contestant,omitempty"`
	Addr       string        `json:"addr,omitempty"` // of the broker
	Prefix     string        `json:"prefix,omitempty"`
	Partitions int           `json:"partitions,omitempty"`
	Settle     time.Duration `json:"settle,omitempty"`
	Profile    string        `json:"profile,omitempty"` // of the time between two marks: file name without its suffix
	Fault      string        `json:"fault,omitempty"`

	Outstanding int           `json:"outstanding,omitempty"`
	Rate        int           `json:"rate,omitempty"`
	Sagas       int           `json:"sagas,omitempty"`
	Duration    time.Duration `json:"duration,omitempty"`
	Patience    time.Duration `json:"patience,omitempty"`
	Seed        uint64        `json:"seed,omitempty"`
}

// The lines that follow the first: orders one way, events the other. The end of the input is the order to stop.
const (
	orderMark   = "mark"   // services, tracker: tell what was measured since the last mark
	orderFinish = "finish" // load: the services have stopped, read the outcomes to their end

	eventReady    = "ready"    // the worker works; a broker says where
	eventMarked   = "marked"   // the answer to mark
	eventOpen     = "open"     // load: the warm-up is over
	eventProgress = "progress" // load: so many sagas have ended
	eventShut     = "shut"     // load: what is measured has ended
	eventDrained  = "drained"  // load: nothing more is under way, or lost
	eventResult   = "result"   // load: the answer to finish
	eventFailed   = "failed"   // the worker ends
)

type order struct {
	Order string `json:"order"`
}

type message struct {
	Event  string  `json:"event"`
	Addr   string  `json:"addr,omitempty"`
	Memory *memory `json:"memory,omitempty"`
	Behind *behind `json:"behind,omitempty"`
	Ended  int     `json:"ended,omitempty"`
	Of     int     `json:"of,omitempty"`
	Result *result `json:"result,omitempty"`
	Error  string  `json:"error,omitempty"`
}

// Main is a worker: it reads what to be from in, does it and tells of it on out, until in ends. The bench starts it, see
// Config.Worker; nobody else has a use for it.
func Main(ctx context.Context, in io.Reader, out io.Writer) error {
	w := &worker{lines: bufio.NewScanner(in), out: json.NewEncoder(out), orders: make(chan string)}
	err := w.run(ctx)
	if err != nil {
		w.tell(message{Event: eventFailed, Error: err.Error()})
	}
	return err
}

// worker is a child's side of the pipe.
type worker struct {
	lines  *bufio.Scanner
	orders chan string

	mu  sync.Mutex
	out *json.Encoder
}

func (w *worker) run(ctx context.Context) error {
	var s spec
	if !w.lines.Scan() {
		return errors.New("a bench worker is started by skald bench, with its orders on stdin")
	}
	if err := json.Unmarshal(w.lines.Bytes(), &s); err != nil {
		return fmt.Errorf("the worker's first line: %w", err)
	}
	inner, stop := context.WithCancel(ctx)
	defer stop()
	go w.listen(inner, stop)
	err := w.play(inner, s)
	if ctx.Err() != nil { // a signal: nobody but the parent has a say here
		return fmt.Errorf("the worker was stopped from outside: %w", context.Cause(ctx))
	}
	return err
}

func (w *worker) play(ctx context.Context, s spec) error {
	switch s.Role {
	case roleBroker:
		return w.broker(ctx)
	case roleServices:
		return w.services(ctx, s)
	case roleLoad:
		return runLoad(ctx, s, w)
	case roleTracker:
		return w.tracker(ctx, s)
	}
	return fmt.Errorf("unknown role %q", s.Role)
}

// listen passes orders on. It ends with the input: when the parent closes it, or dies.
func (w *worker) listen(ctx context.Context, stop context.CancelFunc) {
	defer stop()
	for w.lines.Scan() {
		var o order
		if err := json.Unmarshal(w.lines.Bytes(), &o); err != nil {
			slog.Error("an order can't be read", "error", err)
			return
		}
		select {
		case w.orders <- o.Order:
		case <-ctx.Done():
			return
		}
	}
	if err := w.lines.Err(); err != nil {
		slog.Error("orders can't be read any more", "error", err)
	}
}

func (w *worker) tell(m message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.out.Encode(m) //nolint:errchkjson // a parent that doesn't listen any more has ended
}

// broker is the embedded broker alone.
func (w *worker) broker(ctx context.Context) error {
	b, err := embedded.Start(embedded.Config{Addr: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	w.tell(message{Event: eventReady, Addr: b.Addr()})
	<-ctx.Done()
	return b.Close()
}

// services are all three of a contestant.
func (w *worker) services(ctx context.Context, s spec) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() {
		if s.Contestant.isSkald() {
			done <- skald.Run(ctx, s.skaldConfig(), skaldServices()...)
			return
		}
		done <- runBare(ctx, s)
	}()
	w.tell(message{Event: eventReady})
	marks := marks{profile: s.Profile}
	defer marks.end()
	for {
		select {
		case err := <-done:
			return err
		case o := <-w.orders:
			if o != orderMark {
				continue
			}
			m, err := marks.next()
			if err != nil {
				return err
			}
			w.tell(message{Event: eventMarked, Memory: m})
		}
	}
}
