package authorizer

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/events"
	"github.com/skald-saga/skald/skaldsql"
)

func TestGrantHandsOnWhatItDoesNotUse(t *testing.T) {
	a := &authorizer{defaultPolicies(t), openMemory(t)}
	message := events.Message{Subject: "Hello", Text: "Hi"}
	got, err := a.grant(handling(testContext(t), 1), events.Authorize{User: user("sales"), Device: laptop, Message: message})
	if err != nil {
		t.Fatal(err)
	}
	want := events.Notify{User: user("sales"), Device: laptop, Grants: []string{"crm", "vpn"}, Message: message}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notify (-want +got):\n%s", diff)
	}
	wantCounts(t, a.grants, Counts{Sagas: 1, Grants: 2})
}

func TestNothingGrantedIsRejected(t *testing.T) {
	a := &authorizer{defaultPolicies(t), openMemory(t)}
	_, err := a.grant(handling(testContext(t), 1), events.Authorize{User: user("contractor"), Device: laptop})
	if want := skald.Reject("no policy grants anything to contractor"); !reflect.DeepEqual(err, want) {
		t.Errorf("error %#v, want %#v", err, want)
	}
	wantCounts(t, a.grants, Counts{})
}

// The first decision holds: a repeat after a change of the policies gets what was granted, even where nothing would be now.
func TestRepeatGetsWhatWasGranted(t *testing.T) {
	a := &authorizer{defaultPolicies(t), openMemory(t)}
	ctx, in := handling(testContext(t), 1), events.Authorize{User: user("sales"), Device: laptop}
	first, err := a.grant(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range []string{
		`permit (principal, action == Action::"everything", resource);`,
		`forbid (principal, action == Action::"everything", resource);`,
	} {
		if err := a.policies.adopt(document); err != nil {
			t.Fatal(err)
		}
		again, err := a.grant(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("repeat (-first +again):\n%s", diff)
		}
	}
	wantCounts(t, a.grants, Counts{Sagas: 1, Grants: 2})
}

func TestRevokeLeavesOtherSagasAlone(t *testing.T) {
	for name, openGrants := range map[string]func(testing.TB) *Grants{"memory": openMemory, "file": openFile} {
		t.Run(name, func(t *testing.T) {
			a := &authorizer{defaultPolicies(t), openGrants(t)}
			in := events.Authorize{User: user("engineering"), Device: laptop}
			for saga := range 2 {
				if _, err := a.grant(handling(testContext(t), saga), in); err != nil {
					t.Fatal(err)
				}
			}
			wantCounts(t, a.grants, Counts{Sagas: 2, Grants: 6})
			for range 2 { // the second one finds nothing to do
				if err := a.revoke(handling(testContext(t), 1), in, nil); err != nil {
					t.Fatal(err)
				}
			}
			wantCounts(t, a.grants, Counts{Sagas: 1, Grants: 3})
			if _, err := a.grant(handling(testContext(t), 1), in); !errors.Is(err, skaldsql.ErrUndone) {
				t.Errorf("a late grant: error %v, want ErrUndone", err)
			}
			wantCounts(t, a.grants, Counts{Sagas: 1, Grants: 3})
		})
	}
}

// Many sagas at once, each twice: everyone is granted its own, once.
func TestManyAtOnce(t *testing.T) {
	a := &authorizer{defaultPolicies(t), openFile(t)}
	const sagas = 30
	var wg sync.WaitGroup
	for i := range 2 * sagas {
		wg.Go(func() {
			_, err := a.grant(handling(testContext(t), i%sagas), events.Authorize{User: user("design"), Device: laptop})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	wantCounts(t, a.grants, Counts{Sagas: sagas, Grants: 2 * sagas})
}

// BenchmarkGrant is as many sagas at once as a step may run, as `skald up` would run them.
func BenchmarkGrant(b *testing.B) {
	a := &authorizer{defaultPolicies(b), openMemory(b)}
	var mu sync.Mutex
	saga := 0
	next := func() context.Context {
		mu.Lock()
		defer mu.Unlock()
		saga++
		return handling(b.Context(), saga)
	}
	b.SetParallelism(skald.DefaultConcurrency / 2)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := a.grant(next(), events.Authorize{User: user("engineering"), Device: laptop}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sagas/s")
}

func BenchmarkEntitled(b *testing.B) {
	p := defaultPolicies(b)
	for b.Loop() {
		p.Entitled(b.Context(), user("engineering"), laptop)
	}
}
