package events

// User is a person that the company knows.
type User struct {
	Name       string `json:"name"`
	Email      string `json:"email"`
	Department string `json:"department"`
}

// NewUser begins an onboarding. Its department is one of [Departments].
type NewUser User

// Device is a thing handed to a user. The zero Device is none.
type Device struct {
	Type   string `json:"type"`   // what policies ask for, e.g. "laptop"
	Serial string `json:"serial"` // unique, e.g. "NB16-00415"
	Model  string `json:"model"`  // as people call it, e.g. "Nordbook 16"
}

// Authorize asks that a user be granted what policies entitle it to. Device and Message are for workflows that have one; they are
// handed on to [Notify] as they are.
type Authorize struct {
	User    User    `json:"user"`
	Device  Device  `json:"device,omitzero"`
	Message Message `json:"message,omitzero"`
}

// Notify asks that a user be told of a device and grants, or of the Message if there is one.
type Notify struct {
	User    User     `json:"user"`
	Device  Device   `json:"device,omitzero"`
	Grants  []string `json:"grants,omitempty"`
	Message Message  `json:"message,omitzero"`
}

// Message is a mail's text in a workflow's own words. The zero Message leaves the words to the notifier: a
// welcome with the device and the grants.
type Message struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// Notified says that the mail to the user was accepted by the mail server.
type Notified struct {
	User      User   `json:"user"`
	MessageID string `json:"messageid"` // the mail's Message-ID, without angle brackets
}
