package onboarding

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/mailbox"
)

// maxMails is how many mails the drawer lists: the newest. The rest is counted.
const maxMails = 100

// drawer is the mailbox beside the page.
type drawer struct {
	View    view
	Summary string
	Mails   []mailPage
	Reading *mailPage // the mail in the reading pane
	Missing string    // why there is none although one was asked for
}

type mailPage struct {
	mailbox.Mail
	URL     string
	Current bool
}

// Number identifies the mail.
func (m mailPage) Number() uint64 { return m.Seq }

// Who is the name of the addressee, or the address if there is none.
func (m mailPage) Who() string {
	if m.ToName != "" {
		return m.ToName
	}
	return m.To
}

// mailbox answers GET /mailbox: the inside of the drawer, for a page that is open already.
func (h *handler) mailbox(w http.ResponseWriter, r *http.Request) {
	v, err := parseView(r.URL.Query())
	if err != nil {
		h.shell.Refuse(w, r, err)
		return
	}
	h.shell.Respond(w, r, "mailbox", h.drawer(v), nil)
}

func (h *handler) drawer(v view) *drawer {
	box := h.b.Demo.Mailbox
	d := &drawer{View: v}
	count := box.Count()
	wanted, _ := strconv.ParseUint(v.Mail, 10, 64) // "open" and garbled ones: 0, no mail
	add := func(m mailbox.Mail) *mailPage {
		d.Mails = append(d.Mails, mailPage{Mail: m, URL: v.Reading(m.Seq).URL()})
		return &d.Mails[len(d.Mails)-1]
	}
	for _, m := range box.Mails(maxMails, 0) {
		add(m)
	}
	d.Summary = words.Plural(count, "mail") + ", kept in memory"
	if int(count) > len(d.Mails) {
		d.Summary = fmt.Sprintf("the newest %d of %s, kept in memory", len(d.Mails), words.Plural(count, "mail"))
	}
	if wanted == 0 {
		return d
	}
	for i := range d.Mails {
		if d.Mails[i].Seq == wanted {
			d.Mails[i].Current = true
			d.Reading = &d.Mails[i]
			return d
		}
	}
	// Not among the newest: the one that is read is looked up by itself.
	if older := box.Mails(1, wanted+1); len(older) == 1 && older[0].Seq == wanted {
		d.Reading = &mailPage{Mail: older[0]}
		return d
	}
	d.Missing = fmt.Sprintf("Mail %d isn't here: only the newest are kept, and none survives a restart.", wanted)
	return d
}

// paragraph of a mail: a text, or lines that each give a key its value.
type paragraph struct {
	Text  string
	Pairs []pair
}

type pair struct{ Key, Value string }

// pairLine is "Device: Nordbook 16" or "Device   Nordbook 16".
var pairLine = regexp.MustCompile(`^\s*([A-Z][A-Za-z -]{0,24}?)(?::\s+|\s{2,})(\S.*)$`)

// Paragraphs takes the plain text apart as the reading pane shows it.
func (m mailPage) Paragraphs() []paragraph {
	var all []paragraph
	text := strings.ReplaceAll(m.Text, "\r\n", "\n")
	for block := range strings.SplitSeq(text, "\n\n") {
		if block = strings.Trim(block, "\n"); block == "" {
			continue
		}
		all = append(all, paragraphOf(block))
	}
	return all
}

func paragraphOf(block string) paragraph {
	var pairs []pair
	for line := range strings.SplitSeq(block, "\n") {
		match := pairLine.FindStringSubmatch(line)
		if match == nil {
			return paragraph{Text: block}
		}
		pairs = append(pairs, pair{match[1], match[2]})
	}
	return paragraph{Pairs: pairs}
}
