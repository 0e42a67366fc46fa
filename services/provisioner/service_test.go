package provisioner

import (
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/events"
	"github.com/skald-saga/skald/skaldsql"
)

func TestAssignByDepartment(t *testing.T) {
	inv := openMemory(t)
	p := &provisioner{inv}
	want := map[string]events.Device{
		"engineering": {Type: "laptop", Serial: "NB16-00415", Model: "Nordbook 16"},
		"design":      {Type: "laptop", Serial: "NB16-00416", Model: "Nordbook 16"},
		"sales":       {Type: "laptop", Serial: "NB14-02190", Model: "Nordbook 14"},
		"people":      {Type: "laptop", Serial: "NB14-02191", Model: "Nordbook 14"},
	}
	for i, department := range []string{"engineering", "design", "sales", "people"} {
		got, err := p.assign(begin(testContext(t), i), user(department))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(events.Authorize{User: events.User(user(department)), Device: want[department]}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", department, diff)
		}
	}
	wantCounts(t, inv, Counts{Assigned: 4, Serials: 4})
}

func TestAssignAgainGivesTheSameDevice(t *testing.T) {
	inv := openMemory(t)
	p := &provisioner{inv}
	ctx := begin(testContext(t), 1)
	first, err := p.assign(ctx, user("design"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.assign(ctx, user("design"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("repeat (-first +again):\n%s", diff)
	}
	wantCounts(t, inv, Counts{Assigned: 1, Serials: 1})
}

func TestOutOfStockIsRejectedUntilThereIsStock(t *testing.T) {
	inv := openMemory(t)
	p := &provisioner{inv}
	setStock(t, inv, "Nordbook 16", 0)
	ctx := begin(testContext(t), 1)
	_, err := p.assign(ctx, user("engineering"))
	if want := skald.Reject("no Nordbook 16 in stock for engineering"); !reflect.DeepEqual(err, want) {
		t.Errorf("error %#v, want %#v", err, want)
	}
	if _, err := p.assign(begin(testContext(t), 2), user("sales")); err != nil {
		t.Errorf("another model: %v", err)
	}
	setStock(t, inv, "Nordbook 16", 1)
	if _, err := p.assign(ctx, user("engineering")); err != nil {
		t.Errorf("after SetStock: %v", err)
	}
	wantCounts(t, inv, Counts{Assigned: 2, Serials: 2})
}

func TestReleasedDeviceGoesOutNext(t *testing.T) {
	inv := openMemory(t)
	p := &provisioner{inv}
	ctx := begin(testContext(t), 1)
	first, err := p.assign(ctx, user("sales"))
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []*events.Authorize{&first, nil} { // the second release finds nothing to do
		if err := p.release(ctx, user("sales"), out); err != nil {
			t.Fatal(err)
		}
	}
	wantCounts(t, inv, Counts{Returned: 1})
	stock, err := inv.Stock(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Stock{{"Nordbook 14", DefaultStock}, {"Nordbook 16", DefaultStock}}, stock); diff != "" {
		t.Errorf("stock (-want +got):\n%s", diff)
	}
	next, err := p.assign(begin(testContext(t), 2), user("support"))
	if err != nil {
		t.Fatal(err)
	}
	if next.Device != first.Device {
		t.Errorf("next device %v, want the one that came back, %v", next.Device, first.Device)
	}
	wantCounts(t, inv, Counts{Assigned: 1, Serials: 1})
}

// A release with out nil: assign did its work in SQL, and the process died before it was heard of.
func TestReleaseOfWhatNeverFinished(t *testing.T) {
	inv := openMemory(t)
	p := &provisioner{inv}
	ctx := begin(testContext(t), 1)
	if _, err := p.assign(ctx, user("sales")); err != nil {
		t.Fatal(err)
	}
	if err := p.release(ctx, user("sales"), nil); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, inv, Counts{Returned: 1})
}

func TestLateAssignAfterReleaseTakesNothing(t *testing.T) {
	inv := openMemory(t)
	p := &provisioner{inv}
	ctx := begin(testContext(t), 1)
	if err := p.release(ctx, user("sales"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := p.assign(ctx, user("sales")); !errors.Is(err, skaldsql.ErrUndone) {
		t.Errorf("error %v, want ErrUndone", err)
	}
	wantCounts(t, inv, Counts{})
}

func TestCompleteIsNotedOnce(t *testing.T) {
	inv := openMemory(t)
	p := &provisioner{inv}
	for _, saga := range []int{1, 1, 2} {
		in := events.Notified{User: events.User(user("sales")), MessageID: "1@example.com"}
		if err := p.complete(end(testContext(t), saga), in); err != nil {
			t.Fatal(err)
		}
	}
	wantCounts(t, inv, Counts{Completed: 2})
}

func TestSetStockSaysWhatIsAllowed(t *testing.T) {
	inv := openMemory(t)
	for _, tc := range []struct {
		model, want string
		n           int64
	}{
		{"Nordbook 14", "a stock of -1 Nordbook 14: it must be 0 or more", -1},
		{"Nordbook 15", `there is no model "Nordbook 15": it is one of Nordbook 16, Nordbook 14`, 1},
	} {
		if err := inv.SetStock(testContext(t), tc.model, tc.n); err == nil || err.Error() != tc.want {
			t.Errorf("error %v, want %s", err, tc.want)
		}
	}
}

func TestInventoryThatIsThereIsKept(t *testing.T) {
	inv := openMemory(t)
	setStock(t, inv, "Nordbook 14", 7)
	again := newInventory(t, inv.db)
	stock, err := again.Stock(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Stock{{"Nordbook 14", 7}, {"Nordbook 16", DefaultStock}}, stock); diff != "" {
		t.Errorf("stock (-want +got):\n%s", diff)
	}
}
