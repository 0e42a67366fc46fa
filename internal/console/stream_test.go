package console

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/services/events"
)

func user(name string) events.NewUser {
	return events.NewUser{Name: name, Email: name + "@example.com", Department: "sales"}
}

func TestStreamTellsChanges(t *testing.T) {
	w := newWorld()
	_, server := serve(t, w.config(t))
	w.onboard(user("before"))
	client := follow(t, server.URL+"/api/v1/stream", "")
	client.next(":") // connected, from now on
	id := w.onboard(user("ada"))
	e := client.next("saga")
	if saga := decoded[Saga](t, e.data); saga.ID != id || e.id != strconv.FormatInt(saga.Seq, 10) || saga.Steps[0].Payload != nil {
		t.Errorf("%+v", e)
	}
	w.complete(id, time.Second)
	for {
		if saga := decoded[Saga](t, client.next("saga").data); saga.Status == "completed" {
			return
		}
	}
}

// A client that loses its connection again and again must have the newest state of every saga in the end, whatever it
// missed meanwhile.
func TestStreamResumes(t *testing.T) {
	w := newWorld()
	_, server := serve(t, w.config(t))
	const sagas = 40
	ids := make([]string, 0, sagas)
	for i := range sagas {
		ids = append(ids, w.onboard(user(fmt.Sprint("user", i))))
	}
	var script sync.WaitGroup
	script.Go(func() {
		random := rand.New(rand.NewPCG(1, 2))
		for range columns {
			for _, i := range random.Perm(len(ids)) {
				w.pass(ids[i], time.Second)
				time.Sleep(time.Millisecond) // so that the changes spread over several connections
			}
		}
	})
	seen := make(map[string]Saga)
	last, connections := "0", 0
	for completed := 0; completed < len(ids); {
		client := follow(t, server.URL+"/api/v1/stream", last)
		connections++
		for range 15 {
			e := client.next("saga")
			saga := decoded[Saga](t, e.data)
			if before := seen[saga.ID]; before.Seq >= saga.Seq {
				t.Fatalf("%s came again as of %d, after %d", saga.ID, saga.Seq, before.Seq)
			}
			seen[saga.ID] = saga
			last = e.id
			if saga.Status == "completed" {
				if completed++; completed == len(ids) {
					break
				}
			}
		}
		client.cancel()
	}
	script.Wait()
	if connections < 3 {
		t.Errorf("only %d connections: nothing was resumed", connections)
	}
}

// However changes fall into ticks, every one is either an event or counted as joined.
func TestStreamCountsWhatItJoins(t *testing.T) {
	w := newWorld()
	_, server := serve(t, w.config(t))
	w.seq = 1_000_000 // positions begin anywhere
	id := w.onboard(user("ada"))
	client := follow(t, server.URL+"/api/v1/stream", "")
	client.next(":")
	const changes = 200
	for range changes {
		w.alter(id, func(*tracker.Saga) {})
	}
	var sagas, joins, positions int64
	last := strconv.FormatInt(w.seq, 10)
	for client.lastID != last || sagas+positions-joins < changes {
		switch e := client.any(); e.name {
		case "saga":
			sagas++
		case "joined":
			joins++
			positions += decoded[Joined](t, e.data).Positions
		}
	}
	if sagas+positions-joins != changes || sagas >= changes {
		t.Errorf("%d events, of which %d joined %d changes; %d were made", sagas, joins, positions, changes)
	}
}

func TestStreamBringsMoreThanOneBatch(t *testing.T) {
	w := newWorld()
	_, server := serve(t, w.config(t))
	const sagas = streamBatch + 10
	for i := range sagas {
		w.onboard(user(fmt.Sprint("user", i)))
	}
	client := follow(t, server.URL+"/api/v1/stream?since=0&workflow=onboarding", "")
	for i := range sagas {
		if e := client.next("saga"); e.id != strconv.Itoa(i+1) {
			t.Fatalf("the event %d has the id %s", i+1, e.id)
		}
	}
}

func TestStreamFromAnotherLifeBeginsAnew(t *testing.T) {
	w := newWorld()
	_, server := serve(t, w.config(t))
	id := w.onboard(user("ada"))
	client := follow(t, server.URL+"/api/v1/stream", "1000")
	if saga := decoded[Saga](t, client.next("saga").data); saga.ID != id {
		t.Errorf("%+v", saga)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	w := newWorld()
	cfg := w.config(t)
	cfg.MaxStreams = 2
	_, server := serve(t, cfg)
	first := follow(t, server.URL+"/api/v1/stream", "")
	follow(t, server.URL+"/live", "").next("patch")
	for _, path := range []string{"/live", "/api/v1/stream"} {
		refused := follow(t, server.URL+path, "")
		if refused.status != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d", path, refused.status)
		}
	}
	first.cancel()
	first.ended()
	deadline := time.Now().Add(patience)
	for follow(t, server.URL+"/live", "").status != http.StatusOK { // the server notices a moment later
		if time.Now().After(deadline) {
			t.Fatal("the place of a client that went away isn't given to another")
		}
	}
}

func TestCloseEndsStreams(t *testing.T) {
	w := newWorld()
	h, server := serve(t, w.config(t))
	api, page := follow(t, server.URL+"/api/v1/stream", ""), follow(t, server.URL+"/live", "")
	api.next(":")
	page.next("patch")
	h.Close()
	api.ended()
	page.ended()
	if late := follow(t, server.URL+"/live", ""); late.status != http.StatusServiceUnavailable {
		t.Errorf("status %d after Close", late.status)
	}
}
