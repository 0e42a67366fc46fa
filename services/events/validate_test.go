package events_test

import (
	"errors"
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/events"
)

func TestNewUserNamesWhatIsWrong(t *testing.T) {
	ada := events.NewUser{Name: "Ada Lindqvist", Email: "ada@example.com", Department: "engineering"}
	const plain = "one plain address like ada@example.com is wanted"
	for _, tc := range []struct {
		name   string
		change func(*events.NewUser)
		want   []string
	}{
		{"nothing", func(*events.NewUser) {}, nil},
		{"names of the world", func(u *events.NewUser) { u.Name = "Ōta Nguyễn Þórsdóttir-O’Brien محمد" }, nil},
		{"200 characters, more bytes", func(u *events.NewUser) { u.Name = strings.Repeat("ø", 200) }, nil},
		{"plus address", func(u *events.NewUser) { u.Email = "ada+new@mail.example.co.uk" }, nil},
		{"host without a dot", func(u *events.NewUser) { u.Email = "ada@localhost" }, nil},
		{"everything missing", func(u *events.NewUser) { *u = events.NewUser{} }, []string{
			"name: it is missing, 1 to 200 characters are wanted",
			"email: it is missing, " + plain,
			`department: "" is none of engineering, sales, finance, design, support, people`,
		}},
		{"unknown department", func(u *events.NewUser) { u.Department = "Engineering" }, []string{
			`department: "Engineering" is none of engineering, sales, finance, design, support, people`,
		}},
		{"blank name", func(u *events.NewUser) { u.Name = " \t" }, []string{"name: it is missing, 1 to 200 characters are wanted"}},
		{"long name", func(u *events.NewUser) { u.Name = strings.Repeat("ø", 201) }, []string{"name: it has 201 characters, at most 200 are allowed"}},
		{"line break in the name", func(u *events.NewUser) { u.Name = "Ada\r\nBcc: all@example.com" }, []string{
			`name: "Ada\r\nBcc: all@example.com" has control characters, such as a line break: none are allowed`,
		}},
		{"line separator in the name", func(u *events.NewUser) { u.Name = "Ada\u2028Bcc" }, []string{
			`name: "Ada\u2028Bcc" has control characters, such as a line break: none are allowed`,
		}},
		{"broken UTF-8", func(u *events.NewUser) { u.Name = "Ada\xff" }, []string{"name: it isn't valid UTF-8"}},
		{"name with the address", func(u *events.NewUser) { u.Email = "Ada <ada@example.com>" }, []string{
			`email: "Ada <ada@example.com>" is no mail address, ` + plain,
		}},
		{"quoted", func(u *events.NewUser) { u.Email = `"ada"@example.com` }, []string{
			`email: "\"ada\"@example.com" is no mail address, ` + plain,
		}},
		{"space before", func(u *events.NewUser) { u.Email = " ada@example.com" }, []string{
			`email: " ada@example.com" is no mail address, ` + plain,
		}},
		{"two addresses", func(u *events.NewUser) { u.Email = "ada@example.com, bo@example.com" }, []string{
			`email: "ada@example.com, bo@example.com" is no mail address, ` + plain,
		}},
		{"line break in the address", func(u *events.NewUser) { u.Email = "ada@example.com\r\nRCPT TO:<bo@example.com>" }, []string{
			`email: "ada@example.com\r\nRCPT TO:<bo@example.com>" is no mail address, ` + plain,
		}},
		{"IP address", func(u *events.NewUser) { u.Email = "ada@[127.0.0.1]" }, []string{`email: "[127.0.0.1]" is no domain, ` + plain}},
		{"odd domain", func(u *events.NewUser) { u.Email = "ada@ex!ample.com" }, []string{`email: "ex!ample.com" is no domain, ` + plain}},
		{"not ASCII", func(u *events.NewUser) { u.Email = "ada@exämple.com" }, []string{
			`email: "ada@exämple.com" has characters outside of ASCII: write the domain in its xn-- form, ` + plain,
		}},
		{"long address", func(u *events.NewUser) { u.Email = strings.Repeat("a", 250) + "@b.example" }, []string{
			"email: it has 260 characters, at most 254 are allowed",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u := ada
			tc.change(&u)
			if diff := cmp.Diff(tc.want, problems(t, u.Validate())); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGenericEventsNameWhatIsWrong(t *testing.T) {
	ada := events.User{Name: "Ada", Email: "ada@example.com", Department: "contractor"}
	laptop := events.Device{Type: "laptop", Serial: "NB16-00415", Model: "Nordbook 16"}
	hello := events.Message{Subject: "Hello", Text: "Line one.\nLine two."}
	for _, tc := range []struct {
		name  string
		event skald.Validator
		want  []string
	}{
		{"authorize of anybody", events.Authorize{User: ada, Device: laptop, Message: hello}, nil},
		{"authorize without a device", events.Authorize{User: ada}, nil},
		{"authorize without a department", events.Authorize{User: events.User{Name: "Ada", Email: "ada@example.com"}}, []string{
			"user.department: it is missing, 1 to 200 characters are wanted",
		}},
		{"half a device", events.Authorize{User: ada, Device: events.Device{Type: "laptop", Model: "Nordbook 16"}}, []string{
			"device.serial: it is missing, 1 to 200 characters are wanted",
		}},
		{"notify", events.Notify{User: ada, Device: laptop, Grants: []string{"crm", "vpn"}}, nil},
		{"notify of a message", events.Notify{User: events.User{Name: "Ada", Email: "ada@example.com"}, Message: hello}, nil},
		{"notify of a model with a header in it", events.Notify{User: ada, Device: events.Device{Type: "laptop", Serial: "1", Model: "X\nBcc: y"}}, []string{
			`device.model: "X\nBcc: y" has control characters, such as a line break: none are allowed`,
		}},
		{"notify of a subject with a header in it", events.Notify{User: ada, Message: events.Message{Subject: "X\r\nBcc: y", Text: "z"}}, []string{
			`message.subject: "X\r\nBcc: y" has control characters, such as a line break: none are allowed`,
		}},
		{"half a message", events.Notify{User: ada, Message: events.Message{Subject: "X"}}, []string{
			"message.text: it is missing: a message has a subject and a text",
		}},
		{"a book", events.Notify{User: ada, Message: events.Message{Subject: "X", Text: strings.Repeat("x", events.MaxMessage+1)}}, []string{
			"message.text: it has 16385 bytes, at most 16384 are allowed",
		}},
		{"an empty grant", events.Notify{User: ada, Grants: []string{""}}, []string{"grants: it is missing, 1 to 200 characters are wanted"}},
		{"too many grants", events.Notify{User: ada, Grants: strings.Split(strings.Repeat("x,", 100)+"x", ",")}, []string{
			"grants: 101 of them, at most 100 are allowed",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, problems(t, tc.event.Validate())); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever address passes, it is one address, and one line. Half of those that are tried are harmless, so that some pass.
func TestEmailThatPassesIsOneAddress(t *testing.T) {
	harmless := rapid.SampledFrom([]string{"", "", "", "", ".", "-", "+", "b"})
	trick := rapid.OneOf(harmless, rapid.SampledFrom([]string{"@", "\r\n", "\n", " ", "<", ">", ",", ";", ":", `"`, "(", ")", "[", "]", "\x00", "é"}))
	rapid.Check(t, func(r *rapid.T) {
		email := trick.Draw(r, "before") + "ada" + trick.Draw(r, "in") + "l@example" + trick.Draw(r, "between") + ".com" + trick.Draw(r, "behind")
		u := events.NewUser{Name: "Ada", Email: email, Department: "sales"}
		if u.Validate() != nil {
			return
		}
		list, err := mail.ParseAddressList(email)
		if err != nil || len(list) != 1 || list[0].Address != email {
			r.Fatalf("%q passed, and is %v, %v", email, list, err)
		}
		if strings.ContainsAny(email, "\r\n\x00 <>,;") {
			r.Fatalf("%q passed", email)
		}
	})
}

// problems takes joined errors apart, and checks that each is a field's.
func problems(t *testing.T, err error) (all []string) {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if _, ok := errors.AsType[*skald.FieldError](err); !ok {
			t.Errorf("%v is no FieldError", err)
		}
		return []string{err.Error()}
	}
	for _, e := range joined.Unwrap() {
		all = append(all, problems(t, e)...)
	}
	return all
}
