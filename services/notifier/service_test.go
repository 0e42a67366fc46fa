package notifier

import (
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/services/events"
	"github.com/skald-saga/skald/skaldtest"
)

var (
	ada    = events.User{Name: "Ada Lindqvist", Email: "ada.lindqvist@example.com", Department: "engineering"}
	laptop = events.Device{Type: "laptop", Serial: "NB16-00415", Model: "Nordbook 16"}
)

func TestCompose(t *testing.T) {
	for _, tc := range []struct {
		name          string
		in            events.Notify
		subject, text string
	}{
		{
			"welcome", events.Notify{User: ada, Device: laptop, Grants: []string{"repo:write", "ci:run", "vpn"}},
			"Welcome, Ada: your Nordbook 16 is waiting", `Dear Ada,

Welcome to Engineering. This is ready for you:

Device   Nordbook 16, serial NB16-00415
Access   repo:write, ci:run, vpn
Pick up  Service desk, from 09:00 on your first day

If anything is missing, answer this mail.
`,
		},
		{
			"no device", events.Notify{User: ada, Grants: []string{"crm"}},
			"Welcome, Ada: your access is ready", `Dear Ada,

Welcome to Engineering. This is ready for you:

Access   crm

If anything is missing, answer this mail.
`,
		},
		{
			"no department, no grants", events.Notify{User: events.User{Name: "Øyvind", Email: "o@example.com"}, Device: laptop},
			"Welcome, Øyvind: your Nordbook 16 is waiting", `Dear Øyvind,

Welcome. This is ready for you:

Device   Nordbook 16, serial NB16-00415
Pick up  Service desk, from 09:00 on your first day

If anything is missing, answer this mail.
`,
		},
		{
			"own words", events.Notify{User: ada, Device: laptop, Message: events.Message{Subject: "Solved", Text: "It works again.\n"}},
			"Solved", "It works again.\n",
		},
		{
			"markup is text", events.Notify{User: events.User{Name: "<b>Bo</b> {{.}}", Email: "bo@example.com"}, Grants: []string{"crm"}},
			"Welcome, <b>Bo</b>: your access is ready", `Dear <b>Bo</b>,

Welcome. This is ready for you:

Access   crm

If anything is missing, answer this mail.
`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			subject, text, err := compose(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			if subject != tc.subject {
				t.Errorf("subject %q, want %q", subject, tc.subject)
			}
			if diff := cmp.Diff(tc.text, text); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

// What goes over the line, and that a repeat of the same saga has the same Message-ID, and another saga another one.
func TestNotifyMailsUnderAnIDOfTheSaga(t *testing.T) {
	s := startServer(t)
	n := &notifier{newMailer(t, Config{Addr: s.addr})}
	user := ada
	user.Name = "Ōta Þórsdóttir"
	ids := make([]string, 0, 3)
	for _, saga := range []string{"saga-1", "saga-1", "saga-2"} {
		ctx := skaldtest.Context(testContext(t), saga, "notifier", string(events.NotifyTopic))
		out, err := n.notify(ctx, events.Notify{User: user, Device: laptop, Grants: []string{"vpn"}})
		if err != nil {
			t.Fatal(err)
		}
		if out.User != user {
			t.Errorf("notified %+v, want %+v", out.User, user)
		}
		ids = append(ids, out.MessageID)
	}
	if ids[0] != ids[1] || ids[0] == ids[2] || !strings.HasSuffix(ids[0], "@example.com") {
		t.Errorf("Message-IDs %q: want the same for the same saga, of the sender's domain", ids)
	}
	mails := s.received()
	if len(mails) != 3 {
		t.Fatalf("%d mails, want 3", len(mails))
	}
	for i, mail := range mails {
		if got := mail.header.Get("Message-ID"); got != "<"+ids[i]+">" {
			t.Errorf("Message-ID %s, want <%s>", got, ids[i])
		}
	}
	h := mails[0].header
	to, err := h.AddressList("To")
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{to[0].Name, to[0].Address, h.Get("From"), subject}
	want := []string{user.Name, user.Email, "<onboarding@example.com>", "Welcome, Ōta: your Nordbook 16 is waiting"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if _, err := h.Date(); err != nil {
		t.Error(err)
	}
	if body := decoded(t, mails[0]); !strings.HasPrefix(body, "Dear Ōta,\r\n\r\nWelcome to Engineering.") {
		t.Errorf("body %q", body)
	}
}

func TestNotifyNeedsAKey(t *testing.T) {
	n := &notifier{newMailer(t, Config{Addr: "127.0.0.1:1"})}
	if _, err := n.notify(testContext(t), events.Notify{User: ada}); err == nil || !strings.Contains(err.Error(), "no idempotency key") {
		t.Errorf("error %v, want one about the key", err)
	}
}

func decoded(t *testing.T, mail received) string {
	t.Helper()
	var r io.Reader = strings.NewReader(mail.body)
	switch encoding := mail.header.Get("Content-Transfer-Encoding"); encoding {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	default:
		t.Fatal(fmt.Errorf("encoding %q", encoding))
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
