package crashtest

// evidence is all that is looked at after a run.
type evidence struct {
	started map[string]string // saga by the user's mail address
	records map[string][]record
	ledgers []ledgerState // after the services have ended
	resting []ledgerState // while they still ran and had nothing to do; without records

	devices     []device
	assigned    int64    // by which the models' stock has shrunk
	returned    int64    // devices that the models' rows say came back
	inStock     int64    // devices that have a serial and no owner
	undone      []string // idempotency keys that are spent
	completions []completion
	grants      []grant
	rolled      bool     // to the next version
	watched     []string // sagas that the next version's additional step has seen
	mails       []string // Message-IDs in the mailbox
	retries     []retry  // that the notifier's ledger told of, in the order of the log; nil if nobody asks
}

// record is one of a topic. Headers that come twice count by their first.
type record struct {
	topic     string // without prefix
	partition int32
	offset    int64
	key       string
	headers   map[string]string
	value     []byte
}

// ledgerState is one partition of a ledger.
type ledgerState struct {
	service           string
	partition         int32
	start, fence, end int64 // fence is the group's committed offset, -1 for none
	records           []record
}

type device struct{ serial, assignment, email string }

type completion struct{ saga, email, messageID string }

type grant struct{ key, entitlement, email string }

// hop is one record of a saga's way.
type hop struct {
	topic, hop, source, typ string
}

// hops are the way of an onboarding. The start's source is its client.
var hops = []hop{
	{"new-user", "0", "/skald/client", "new-user"},
	{"authorize", "1", "/skald/provisioner", "authorize"},
	{"notify", "2", "/skald/authorizer", "notify"},
	{"notified", "3", "/skald/notifier", "notified"},
	{"skald.outcomes", "4", "/skald/provisioner", "skald.outcome"},
}
