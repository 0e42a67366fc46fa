package provisioner

import (
	"context"
	"reflect"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/events"
)

// All at once for the last devices, each asking twice: as many are served as there are devices, each with its own.
func TestLastDevicesGoToOneEach(t *testing.T) {
	for name, openInventory := range map[string]func(testing.TB) *Inventory{"memory": openMemory, "file": openFile} {
		t.Run(name, func(t *testing.T) {
			inv := openInventory(t)
			p := &provisioner{inv}
			const sagas, devices = 40, 25
			setStock(t, inv, "Nordbook 14", devices)
			var mu sync.Mutex
			owner := map[string]string{} // serial -> saga
			rejected := 0
			var wg sync.WaitGroup
			for i := range 2 * sagas {
				wg.Go(func() {
					ctx := begin(testContext(t), i%sagas)
					out, err := p.assign(ctx, user("finance"))
					mu.Lock()
					defer mu.Unlock()
					switch {
					case reflect.DeepEqual(err, skald.Reject("no Nordbook 14 in stock for finance")):
						rejected++
					case err != nil:
						t.Error(err)
					case owner[out.Device.Serial] != "" && owner[out.Device.Serial] != skald.SagaID(ctx):
						t.Errorf("%s went to %s and to %s", out.Device.Serial, owner[out.Device.Serial], skald.SagaID(ctx))
					default:
						owner[out.Device.Serial] = skald.SagaID(ctx)
					}
				})
			}
			wg.Wait()
			if len(owner) != devices || rejected != 2*(sagas-devices) {
				t.Errorf("%d devices out and %d refusals, want %d and %d", len(owner), rejected, devices, 2*(sagas-devices))
			}
			wantCounts(t, inv, Counts{Assigned: devices, Serials: devices})
		})
	}
}

// Whatever the order of assignments, releases and repeats: what is out and what is in stock add up, and no device has two owners.
func TestStockAddsUp(t *testing.T) {
	inv := openMemory(t)
	p := &provisioner{inv}
	rapid.Check(t, func(r *rapid.T) {
		const stock, sagas = 3, 6
		for _, statement := range []string{
			`DELETE FROM devices`, `DELETE FROM skald_effects`, `UPDATE models SET returned = 0`,
		} {
			if _, err := inv.db.ExecContext(context.Background(), statement); err != nil {
				r.Fatal(err)
			}
		}
		setStock(t, inv, "Nordbook 14", stock)
		owners := map[string]int{} // serial -> saga
		released := map[int]bool{}
		saga := rapid.IntRange(1, sagas)
		r.Repeat(map[string]func(*rapid.T){
			"assign": func(r *rapid.T) {
				saga := saga.Draw(r, "saga")
				out, err := p.assign(begin(context.Background(), saga), user("sales"))
				if err != nil {
					if serialOf(owners, saga) != "" || (len(owners) < stock && !released[saga]) {
						r.Fatal(err)
					}
					return
				}
				if was, ok := owners[out.Device.Serial]; ok && was != saga {
					r.Fatalf("%s belongs to saga %d and goes to saga %d", out.Device.Serial, was, saga)
				}
				if had := serialOf(owners, saga); had != "" && had != out.Device.Serial {
					r.Fatalf("saga %d had %s and gets %s", saga, had, out.Device.Serial)
				}
				owners[out.Device.Serial] = saga
			},
			"release": func(r *rapid.T) {
				saga := saga.Draw(r, "saga")
				if err := p.release(begin(context.Background(), saga), user("sales"), (*events.Authorize)(nil)); err != nil {
					r.Fatal(err)
				}
				delete(owners, serialOf(owners, saga))
				released[saga] = true
			},
			"": func(r *rapid.T) {
				counts, err := inv.Counts(context.Background())
				if err != nil {
					r.Fatal(err)
				}
				left, err := inv.Stock(context.Background())
				if err != nil {
					r.Fatal(err)
				}
				if n := int64(len(owners)); counts.Assigned != n || counts.Serials != n || left[0].Left != stock-n {
					r.Fatalf("%d devices are out; counts %+v, in stock %d", n, counts, left[0].Left)
				}
			},
		})
	})
}

func serialOf(owners map[string]int, saga int) string {
	for serial, owner := range owners {
		if owner == saga {
			return serial
		}
	}
	return ""
}

// BenchmarkAssign is as many sagas at once as a step may run, as `skald up` would run them.
func BenchmarkAssign(b *testing.B) {
	inv := openMemory(b)
	p := &provisioner{inv}
	var mu sync.Mutex
	saga := 0
	b.SetParallelism(skald.DefaultConcurrency / 2)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			mu.Lock()
			saga++
			ctx := begin(b.Context(), saga)
			mu.Unlock()
			if _, err := p.assign(ctx, user("sales")); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sagas/s")
}
