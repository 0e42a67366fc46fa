package mailbox_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skald-saga/skald/internal/mailbox"
	"github.com/skald-saga/skald/services/notifier"
)

func startWithMailer(t testing.TB) (*mailbox.Mailbox, *notifier.Mailer) {
	t.Helper()
	m, err := mailbox.Start(mailbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	mailer, err := notifier.NewMailer(notifier.Config{Addr: m.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mailer.Close(); err != nil {
			t.Error(err)
		}
	})
	return m, mailer
}

// What the shipped notifier sends is what a person sees, letter by letter.
func TestMailOfTheNotifier(t *testing.T) {
	m, mailer := startWithMailer(t)
	text := "Dear Finn,\n\n" + strings.Repeat("=ß\t. ", 40) + "\n.\n..\nFrom here: “–”\n"
	for range 2 {
		err := mailer.Send(t.Context(), notifier.Mail{
			MessageID: "1@example.com", To: "finn.obriain@example.com", ToName: "Finn Ó Briain, “Jr.”",
			Subject: "Welcome, Finn: " + strings.Repeat("Ünïcödé ", 30), Text: text,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []mailbox.Mail{{
		Seq: 1, MessageID: "1@example.com", From: notifier.DefaultFrom, To: "finn.obriain@example.com", ToName: "Finn Ó Briain, “Jr.”",
		Subject: "Welcome, Finn: " + strings.Repeat("Ünïcödé ", 30), Text: text,
	}}
	if diff := cmp.Diff(want, m.Mails(10, 0), cmpopts.IgnoreFields(mailbox.Mail{}, "Received")); diff != "" {
		t.Errorf("mails (-want +got):\n%s", diff)
	}
	if m.Repeats() != 1 {
		t.Errorf("%d repeats, want 1", m.Repeats())
	}
}

// BenchmarkNotifier is mails by the shipped notifier at full speed, all different.
func BenchmarkNotifier(b *testing.B) {
	m, mailer := startWithMailer(b)
	text := strings.Repeat("Welcome to Engineering. This is ready for you.\n", 6)
	var n atomic.Int64
	b.SetParallelism(200)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			err := mailer.Send(b.Context(), notifier.Mail{
				MessageID: fmt.Sprintf("%d@example.com", n.Add(1)), To: "ada@example.com", ToName: "Ada Lindqvist", Subject: "Welcome", Text: text,
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
	if m.Count() != n.Load() {
		b.Errorf("%d mails arrived, want %d", m.Count(), n.Load())
	}
}
