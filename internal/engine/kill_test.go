package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

// life is what a test tells the process that it starts, to be killed: a worker whose outputs say which life made them.
type life struct {
	Brokers    []string       `json:"brokers"`
	Namespace  wire.Namespace `json:"namespace"`
	Partitions int32          `json:"partitions"`
	Number     int            `json:"number"`
	Settle     time.Duration  `json:"settle"`
}

const lifeVariable = "SKALD_ENGINE_TEST_LIFE"

// live is the main function of such a process. It returns when something is wrong.
func live(encoded string) error {
	var l life
	if err := json.Unmarshal([]byte(encoded), &l); err != nil {
		return err
	}
	step := newHandlers().step("in", "out")
	step.Handle = func(ctx context.Context, e *wire.Event) ([]engine.Output, error) {
		if e.SagaID[0] < '4' { // some are slow, so that there is work in the ledger
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return []engine.Output{{Topic: "out", Payload: []byte(strconv.Itoa(l.Number)), ContentType: "application/json"}}, nil
	}
	return engine.NewSession(engine.Config{
		Connection: kafka.Connection{Brokers: l.Brokers}, Namespace: l.Namespace, Partitions: l.Partitions, Slot: "0", Instance: fmt.Sprint("life ", l.Number),
		MaxOpenSagas: 1000, MaxUnfinished: 20_000, DrainTimeout: time.Second, Logger: brokertest.Logger(), Joined: func(string) {},
		Settle: l.Settle, TransactionTimeout: 10 * time.Minute, SessionTimeout: 10 * time.Minute, Hold: engine.DefaultHold, Upkeep: engine.DefaultUpkeep,
	}, engine.Service{Name: "worker", Steps: []engine.Step{step}}).Run(context.Background())
}

// begin starts a life. The caller kills it.
func (l life) begin(t *testing.T) (kill func()) {
	t.Helper()
	encoded, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), lifeVariable+"="+string(encoded))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	kill = func() {
		if killed {
			return
		}
		killed = true
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
		if status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() {
			t.Errorf("life %d ended by itself: %s", l.Number, &said)
		}
	}
	t.Cleanup(kill)
	return kill
}

// A process that is killed in the middle of a transaction goes on at once when it is started again: neither session nor transaction
// timeout, both of minutes here, has anything to do with it.
func TestKilledProcessGoesOnAtOnce(t *testing.T) { brokertest.Each(t, testKilled) }

func testKilled(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 4, "in", "out")
	l := life{Namespace: w.ns, Partitions: w.n, Settle: w.config().Settle}
	var sagas []string
	var died time.Time
	for l.Number = 1; l.Number <= 4; l.Number++ {
		proxy := newProxy(t, b)
		l.Brokers = []string{proxy.addr()}
		began := time.Now()
		kill := l.begin(t)
		if l.Number == 1 {
			sagas = w.starts("in", 100)
		}
		w.readUntil("out", fmt.Sprint("the first event of life ", l.Number), func(all []*kgo.Record) bool {
			return slices.ContainsFunc(all, func(r *kgo.Record) bool { return string(r.Value) == strconv.Itoa(l.Number) })
		})
		if l.Number > 1 {
			t.Logf("%s: life %d committed %v after it was started, %v after the last was killed", b.Name, l.Number, time.Since(began), time.Since(died))
		}
		if l.Number == 4 {
			break
		}
		// Die between the transaction's first record and its end.
		proxy.forget()
		n := len(sagas)
		sagas = append(sagas, w.moreStarts("in", n, n+100)...)
		proxy.awaitRequests(1, brokertest.OfClient("session", kmsg.Produce))
		proxy.Hold()
		kill()
		died = time.Now()
		ctx, cancel := testContext(t)
		open, err := kadm.NewClient(w.client).ListTransactions(ctx, nil, []string{"Ongoing"})
		cancel()
		t.Logf("%s: transactions left open: %v %v", b.Name, open.TransactionalIDs(), err)
		proxy.Close()
	}
	w.await("out", len(sagas))
	w.expectOnce("out", sagas)
	w.until("all work to be finished", func(context.Context) bool {
		all := w.ledger("worker")
		return countLedger(all, wire.OpDelete, wire.KindWork) >= countLedger(all, wire.OpPut, wire.KindWork)
	})
	w.expectLedgerDone("worker")
}
