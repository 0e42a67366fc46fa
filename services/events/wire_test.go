package events_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/services/events"
)

// The payloads, as services in other languages read and write them: a change here is a change for all of them.
func TestOnTheWire(t *testing.T) {
	ada := events.User{Name: "Ada", Email: "ada@example.com", Department: "sales"}
	laptop := events.Device{Type: "laptop", Serial: "NB14-02190", Model: "Nordbook 14"}
	const user = `{"name":"Ada","email":"ada@example.com","department":"sales"}`
	const device = `{"type":"laptop","serial":"NB14-02190","model":"Nordbook 14"}`
	for _, tc := range []struct {
		event any
		want  string
	}{
		{events.NewUser(ada), user},
		{events.Authorize{User: ada, Device: laptop}, `{"user":` + user + `,"device":` + device + `}`},
		{events.Authorize{User: ada}, `{"user":` + user + `}`},
		{events.Notify{User: ada, Device: laptop, Grants: []string{"crm", "vpn"}}, `{"user":` + user + `,"device":` + device + `,"grants":["crm","vpn"]}`},
		{events.Notify{User: ada, Message: events.Message{Subject: "Hello", Text: "Hi"}}, `{"user":` + user + `,"message":{"subject":"Hello","text":"Hi"}}`},
		{events.Notified{User: ada, MessageID: "1@example.com"}, `{"user":` + user + `,"messageid":"1@example.com"}`},
	} {
		got, err := json.Marshal(tc.event)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(tc.want, string(got)); diff != "" {
			t.Errorf("%T (-want +got):\n%s", tc.event, diff)
		}
	}
}
