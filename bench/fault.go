package bench

// What a faulty chain does to every tenth outcome. Only the bench's own test asks for it: a bench that can't see a lost or a
// doubled saga proves nothing when it sees none.
const (
	faultLose   = "lose"
	faultDouble = "double"
)

type faults struct {
	kind     string
	outcomes int
}

// times says how often a record for a topic is to be written.
func (f *faults) times(topic string) int {
	if f.kind == "" || topic != bareOutcomes {
		return 1
	}
	f.outcomes++
	switch {
	case f.outcomes%10 != 0:
		return 1
	case f.kind == faultLose:
		return 0
	default:
		return 2
	}
}
