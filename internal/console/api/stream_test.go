package api_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
)

func TestStreamTellsChanges(t *testing.T) {
	w := consoletest.NewWorld()
	_, server := consoletest.Serve(t, w.Config(t))
	w.Onboard(consoletest.User("before"))
	client := consoletest.Follow(t, server.URL+"/api/v1/stream", "")
	client.Next(":") // connected, from now on
	id := w.Onboard(consoletest.User("ada"))
	e := client.Next("saga")
	if saga := consoletest.Decoded[api.Saga](t, e.Data); saga.ID != id || e.ID != strconv.FormatInt(saga.Seq, 10) || saga.Steps[0].Payload != nil {
		t.Errorf("%+v", e)
	}
	w.Complete(id, time.Second)
	for {
		if saga := consoletest.Decoded[api.Saga](t, client.Next("saga").Data); saga.Status == "completed" {
			return
		}
	}
}

// A client that loses its connection again and again must have the newest state of every saga in the end, whatever it
// missed meanwhile.
func TestStreamResumes(t *testing.T) {
	w := consoletest.NewWorld()
	_, server := consoletest.Serve(t, w.Config(t))
	const sagas = 40
	ids := make([]string, 0, sagas)
	for i := range sagas {
		ids = append(ids, w.Onboard(consoletest.User(fmt.Sprint("user", i))))
	}
	var script sync.WaitGroup
	script.Go(func() {
		random := rand.New(rand.NewPCG(1, 2))
		for range 4 {
			for _, i := range random.Perm(len(ids)) {
				w.Pass(ids[i], time.Second)
				time.Sleep(time.Millisecond) // so that the changes spread over several connections
			}
		}
	})
	seen := make(map[string]api.Saga)
	last, connections := "0", 0
	for completed := 0; completed < len(ids); {
		client := consoletest.Follow(t, server.URL+"/api/v1/stream", last)
		connections++
		for range 15 {
			e := client.Next("saga")
			saga := consoletest.Decoded[api.Saga](t, e.Data)
			if before := seen[saga.ID]; before.Seq >= saga.Seq {
				t.Fatalf("%s came again as of %d, after %d", saga.ID, saga.Seq, before.Seq)
			}
			seen[saga.ID] = saga
			last = e.ID
			if saga.Status == "completed" {
				if completed++; completed == len(ids) {
					break
				}
			}
		}
		client.Cancel()
	}
	script.Wait()
	if connections < 3 {
		t.Errorf("only %d connections: nothing was resumed", connections)
	}
}

// However changes fall into ticks, every one is either an event or counted as joined.
func TestStreamCountsWhatItJoins(t *testing.T) {
	w := consoletest.NewWorld()
	_, server := consoletest.Serve(t, w.Config(t))
	w.Seq = 1_000_000 // positions begin anywhere
	id := w.Onboard(consoletest.User("ada"))
	client := consoletest.Follow(t, server.URL+"/api/v1/stream", "")
	client.Next(":")
	const changes = 200
	for range changes {
		w.Alter(id, func(*tracker.Saga) {})
	}
	var sagas, joins, positions int64
	last := strconv.FormatInt(w.Seq, 10)
	for client.LastID != last || sagas+positions-joins < changes {
		switch e := client.Any(); e.Name {
		case "saga":
			sagas++
		case "joined":
			joins++
			positions += consoletest.Decoded[api.Joined](t, e.Data).Positions
		}
	}
	if sagas+positions-joins != changes || sagas >= changes {
		t.Errorf("%d events, of which %d joined %d changes; %d were made", sagas, joins, positions, changes)
	}
}

func TestStreamBringsMoreThanOneBatch(t *testing.T) {
	w := consoletest.NewWorld()
	_, server := consoletest.Serve(t, w.Config(t))
	const sagas = api.StreamBatch + 10
	for i := range sagas {
		w.Onboard(consoletest.User(fmt.Sprint("user", i)))
	}
	client := consoletest.Follow(t, server.URL+"/api/v1/stream?since=0&workflow=onboarding", "")
	for i := range sagas {
		if e := client.Next("saga"); e.ID != strconv.Itoa(i+1) {
			t.Fatalf("the event %d has the id %s", i+1, e.ID)
		}
	}
}

func TestStreamFromAnotherLifeBeginsAnew(t *testing.T) {
	w := consoletest.NewWorld()
	_, server := consoletest.Serve(t, w.Config(t))
	id := w.Onboard(consoletest.User("ada"))
	client := consoletest.Follow(t, server.URL+"/api/v1/stream", "1000")
	if saga := consoletest.Decoded[api.Saga](t, client.Next("saga").Data); saga.ID != id {
		t.Errorf("%+v", saga)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	w := consoletest.NewWorld()
	cfg := w.Config(t)
	cfg.MaxStreams = 2
	_, server := consoletest.Serve(t, cfg)
	first := consoletest.Follow(t, server.URL+"/api/v1/stream", "")
	consoletest.Follow(t, server.URL+"/live", "").Next("patch")
	for _, path := range []string{"/live", "/api/v1/stream"} {
		refused := consoletest.Follow(t, server.URL+path, "")
		if refused.Status != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") == "" {
			t.Errorf("%s: status %d, %v", path, refused.Status, refused.Header)
		}
	}
	first.Cancel()
	first.Ended()
	deadline := time.Now().Add(consoletest.Patience)
	for consoletest.Follow(t, server.URL+"/live", "").Status != http.StatusOK { // the server notices a moment later
		if time.Now().After(deadline) {
			t.Fatal("the place of a client that went away isn't given to another")
		}
	}
}

func TestCloseEndsStreams(t *testing.T) {
	w := consoletest.NewWorld()
	h, server := consoletest.Serve(t, w.Config(t))
	stream, page := consoletest.Follow(t, server.URL+"/api/v1/stream", ""), consoletest.Follow(t, server.URL+"/live", "")
	stream.Next(":")
	page.Next("patch")
	h.Close()
	stream.Ended()
	page.Ended()
	if late := consoletest.Follow(t, server.URL+"/live", ""); late.Status != http.StatusServiceUnavailable {
		t.Errorf("status %d after Close", late.Status)
	}
}
