package engine

// limit says how many records the next batch takes. Each record whose handler isn't done within the hold time costs a ledger
// entry with its payload, and a second record to delete it; a step that handles a hundred records in that time gains
// nothing by being given two thousand. So a batch takes half as much again as handlers finished in the last one that
// had to park, and the full limit where none has to.
type limit struct {
	most int // 0 before the first batch
}

func (l *limit) records() int {
	if l.most == 0 {
		return batchLimit
	}
	return l.most
}

func (l *limit) learn(b *batch) {
	switch handled := len(b.Concluded); {
	case b.Parked > 0:
		l.most = max(batchLeast, min(batchLimit, handled*3/2))
	case handled > 0:
		l.most = min(batchLimit, l.records()*2)
	}
}
