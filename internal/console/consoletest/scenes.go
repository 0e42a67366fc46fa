package consoletest

import (
	"context"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
	"github.com/skald-saga/skald/services/events"
)

// Populated is a world with users in every state that there is.
func Populated() *World {
	w := NewWorld()
	user := func(name, email, department string) events.NewUser {
		return events.NewUser{Name: name, Email: email + "@example.com", Department: department}
	}
	ms := time.Millisecond
	later := func(d time.Duration) { w.Clock = w.Clock.Add(d) }
	jun := w.Onboard(user("Jun Takamori", "jun.takamori", "support"))
	w.Pass(jun, 520*ms)
	w.Pass(jun, 630*ms)
	w.Pass(jun, 350*ms)
	w.Pass(jun, 40*ms)
	later(2 * time.Second)
	ada := w.Onboard(user("Ada Lindqvist", "ada.lindqvist", "engineering"))
	later(time.Second)
	long := w.Onboard(user("Maximiliana Featherstonehaugh-Vandersloot", "maximiliana.featherstonehaugh-vandersloot", "people"))
	w.Pass(long, 190*ms)
	w.Halt(long, "no policy grants anything to people")
	later(time.Second)
	cleo := w.Onboard(user("Cleo Marchetti", "cleo.marchetti", "sales"))
	w.Pass(cleo, 330*ms)
	w.Pass(cleo, 460*ms)
	w.Halt(cleo, "mail server: 550 no such mailbox")
	edda := w.Onboard(user("Edda Nyström", "edda.nystrom", "design"))
	for _, d := range []int{610, 270, 740, 210} {
		w.Pass(edda, time.Duration(d)*ms)
	}
	for _, d := range []int{2800, 1120, 410, 190} {
		w.Pass(ada, time.Duration(d)*ms)
	}
	later(3 * time.Second)
	finn := w.Onboard(user("Finn Ó Briain", "finn.obriain", "engineering"))
	w.Pass(finn, 380*ms)
	w.Pass(finn, 1920*ms)
	w.Run(finn)
	later(600 * ms)
	greta := w.Onboard(user("Greta Vantongeren", "greta.vantongeren", "sales"))
	for _, d := range []int{440, 310, 520, 140} {
		w.Pass(greta, time.Duration(d)*ms)
	}
	later(3900 * ms)
	hamza := w.Onboard(user("Hamza El-Idrissi", "hamza.elidrissi", "engineering"))
	w.Pass(hamza, 210*ms)
	w.Run(hamza)
	later(400 * ms)
	ivar := w.Onboard(user("Ivar Solheim", "ivar.solheim", "design"))
	w.Run(ivar)
	at := w.Clock
	for i, u := range []events.NewUser{
		user("Jun Takamori", "jun.takamori", "support"), user("Ada Lindqvist", "ada.lindqvist", "engineering"),
		user("Edda Nyström", "edda.nystrom", "design"), user("Greta Vantongeren", "greta.vantongeren", "sales"),
	} {
		w.Mails.Deliver(u, "Nordbook 16", "NB16-00415", "repo:write, ci:run, vpn", at.Add(time.Duration(i)*time.Second))
	}
	return w
}

// WithoutAuthorizer has three users waiting for a service that is stopped.
func WithoutAuthorizer() *World {
	w := NewWorld()
	for i, u := range []events.NewUser{
		{Name: "Jun Takamori", Email: "jun.takamori@example.com", Department: "support"},
		{Name: "Ada Lindqvist", Email: "ada.lindqvist@example.com", Department: "engineering"},
		{Name: "Edda Nyström", Email: "edda.nystrom@example.com", Department: "design"},
	} {
		w.Clock = w.Clock.Add(2700 * time.Millisecond)
		w.Pass(w.Onboard(u), time.Duration(470+70*i)*time.Millisecond)
	}
	_ = w.Switches.Stop(context.Background(), "authorizer")
	return w
}

// Troubled is a world in which everything goes wrong that can.
func Troubled() *World {
	w := NewWorld()
	ms := time.Millisecond
	begin := func(name, department string, passed ...int) string {
		w.Clock = w.Clock.Add(700 * ms)
		email := strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@example.com"
		id := w.Onboard(events.NewUser{Name: name, Email: email, Department: department})
		for _, d := range passed {
			w.Pass(id, time.Duration(d)*ms)
		}
		return id
	}
	w.Turn(begin("Jun Takamori", "people", 520), wire.Rejected, "no policy grants anything to people", "new-user")
	w.Undone(w.Newest(), "")
	w.Turn(begin("Greta Vantongeren", "sales", 440, 310), wire.Cancelled, "hired twice", "authorize", "new-user")
	w.Undone(w.Newest(), "new-user")
	w.Undone(w.Newest(), "")
	w.Turn(begin("Bo Okafor", "support", 610, 270), wire.Abandoned, "no such mailbox, and nobody knows a better one", "authorize", "new-user")
	w.Undone(w.Newest(), "new-user")
	w.Turn(begin("Edda Nystrom", "design", 370, 250), wire.Cancelled, "", "authorize", "new-user")
	w.Retry(w.Newest(), "database is locked", 1, w.Clock.Add(time.Hour))
	w.Turn(begin("Hamza El-Idrissi", "engineering", 370, 250), wire.Rejected, "the mailbox is somebody else's", "authorize", "new-user")
	w.Undone(w.Newest(), "new-user")
	w.Alter(w.Newest(), func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Attempt, step.Error, s.Status, s.Reason = tracker.StepBlocked, 12, "device NB16-00417 isn't in the inventory", tracker.Blocked, "device NB16-00417 isn't in the inventory"
	})
	w.HaltWithLetter(begin("Cleo Marchetti", "sales", 330, 460), "SMTP 451 try again later", 7)
	w.Retry(begin("Finn Briain", "engineering", 380, 1920), "SMTP 451 mailbox busy", 2, time.Now().Add(30*time.Minute))
	w.Alter(begin("Dag Haraldsen", "finance", 290, 300), func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Error, s.Status = tracker.StepWaiting, "dial tcp 127.0.0.1:2525: connect: connection refused", tracker.Waiting
	})
	w.Run(begin("Ivar Solheim", "design", 210))
	w.Alter(w.Newest(), func(s *tracker.Saga) { s.Ending, s.EndingReason = wire.Cancelled, "hired twice" })
	w.Pass(begin("Ada Lindqvist", "engineering"), 440*ms)
	return w
}
