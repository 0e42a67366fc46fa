package bench

import (
	"fmt"
	"strings"
)

// The events are those of onboarding as the shipped services know them, without the parts behind them: what is measured is the
// way, not the work.
type (
	user struct {
		Name       string `json:"name"`
		Email      string `json:"email"`
		Department string `json:"department"`
	}
	device struct {
		Type   string `json:"type"`
		Serial string `json:"serial"`
		Model  string `json:"model"`
	}
	newUser   user
	authorize struct {
		User   user   `json:"user"`
		Device device `json:"device"`
	}
	notify struct {
		User   user     `json:"user"`
		Device device   `json:"device"`
		Grants []string `json:"grants"`
	}
	notified struct {
		User      user   `json:"user"`
		MessageID string `json:"messageid"`
	}
	outcome struct {
		Outcome string `json:"outcome"`
	}
)

// hops are the handler calls of a saga: begin, authorize, notify, end.
const hops = 4

const completed = "completed"

// Every contestant's services call these.

func assign(in newUser) authorize {
	return authorize{User: user(in), Device: device{Type: "laptop", Serial: "NB16-" + serial(in.Email), Model: "Nordbook 16"}}
}

func grant(in authorize) notify {
	return notify{User: in.User, Device: in.Device, Grants: []string{"mail", "wiki", "vpn", "git:" + in.User.Department}}
}

func mail(in notify) notified {
	return notified{User: in.User, MessageID: in.Device.Serial + "." + in.User.Department + "@skald.example"}
}

func complete(notified) outcome { return outcome{completed} }

func serial(email string) string { return strings.TrimSuffix(email, "@example.com") }

// someUser makes the n-th user up.
func someUser(n int) newUser {
	return newUser{
		Name: fmt.Sprintf("Ada Lovelace %06d", n), Email: fmt.Sprintf("ada.%06d@example.com", n), Department: "engineering",
	}
}
