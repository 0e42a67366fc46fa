//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald/internal/mailbox"
)

func (a *API) registerMails(api huma.API) {
	handle(a, api, huma.Operation{
		OperationID: "list-mails", Method: http.MethodGet, Path: "/api/v1/demo/mails", Tags: []string{"Demo"},
		Summary: "Mails that the demo's mailbox has got, the newest first",
	}, a.listMails)
}

// Mail is one mail of the demo's mailbox.
type Mail struct {
	Number    uint64    `json:"number" doc:"Grows with every mail"`
	MessageID string    `json:"message_id"`
	From      string    `json:"from"`
	To        string    `json:"to"`
	ToName    string    `json:"to_name,omitempty"`
	Subject   string    `json:"subject"`
	Text      string    `json:"text"`
	Received  time.Time `json:"received"`
}

type mailsOutput struct {
	Body struct {
		Count int64  `json:"count" doc:"How many mails came in all; the mailbox keeps the newest of them"`
		Mails []Mail `json:"mails" nullable:"false"`
	}
}

func (a *API) listMails(_ context.Context, in *struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"At most so many"`
	Before uint64 `query:"before" minimum:"0" doc:"Only mails older than the one with this number; 0 is no bound"`
}) (*mailsOutput, error) {
	out := &mailsOutput{}
	out.Body.Count = a.b.Demo.Mailbox.Count()
	out.Body.Mails = []Mail{}
	for _, m := range a.b.Demo.Mailbox.Mails(in.Limit, in.Before) {
		out.Body.Mails = append(out.Body.Mails, apiMail(m))
	}
	return out, nil
}

func apiMail(m mailbox.Mail) Mail {
	return Mail{
		Number: m.Seq, MessageID: m.MessageID, From: m.From, To: m.To, ToName: m.ToName,
		Subject: m.Subject, Text: m.Text, Received: m.Received,
	}
}
