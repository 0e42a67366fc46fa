package crashtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The kinds of faults. All but the last three kill, each at another moment.
const (
	inHandler   = "in a handler"          // records were fetched, and no longer ago than handlers take
	produced    = "outputs produced"      // the transaction's outputs are written, its offsets not yet
	unended     = "before the end"        // all is written, and the request that commits is lost
	ended       = "after the end"         // Kafka commits, and the process never hears of it
	restoring   = "restoring the ledger"  // a process that has just been given partitions
	joining     = "joining the group"     // it has been chosen a member, and not yet been given partitions
	mailed      = "mail sent"             // the mailbox has it, and nobody was told (the notifier alone)
	atAnyMoment = "at any moment"         // and what a trap was set for that didn't spring
	frozen      = "frozen"                // stopped until others have its partitions, then thawed
	zombie      = "frozen before the end" // and thawed to commit its transaction after all
)

var kinds = []string{inHandler, unended, zombie, restoring, ended, joining, produced, frozen, atAnyMoment}

// kinds are those that every run must have had.
func (r *run) kinds() []string {
	all := append([]string{mailed, scaledUp, scaledDown, rolled}, kinds...)
	if r.cluster.apache != nil {
		all = append(all, nodeKilled, leadersMoved)
	}
	return all
}

// trapPatience is how long a trap waits for its moment.
const trapPatience = 15 * time.Second

// fault makes one fault to one of the service's instances, and returns when the instance has joined again.
func (s *service) fault(kind string) error {
	victim := s.instances[s.random.IntN(len(s.instances))]
	switch kind {
	case frozen, zombie:
		return s.freeze(victim, kind)
	case restoring, joining: // moments of a new life
		victim.kill()
		s.run.tally.add(s.name, atAnyMoment)
		sprung, wait := s.lay(victim, kind)
		if err := victim.start(); err != nil {
			return err
		}
		wait()
		s.run.tally.add(s.name, sprung())
	default:
		sprung, wait := s.lay(victim, kind)
		wait()
		s.run.tally.add(s.name, sprung())
	}
	joined, _ := victim.said.look() // only now: the life before may have joined again until its end
	if err := victim.start(); err != nil {
		return err
	}
	return victim.awaitJoined(joined, s.run.ctx.Done())
}

// lay sets a trap that kills. wait returns when the victim is dead, of the trap or, as that waits for too long, all the same;
// sprung says then which.
func (s *service) lay(victim *instance, kind string) (sprung func() string, wait func()) {
	dead := make(chan struct{})
	var killed atomic.Bool // by the trap or by the one who waited for it: the other must let the next life live
	kill := func(pass bool) func() bool {
		return func() bool {
			if killed.Swap(true) {
				return true
			}
			victim.kill()
			close(dead)
			return pass
		}
	}
	delay := s.within(25 * time.Millisecond)
	switch kind {
	case inHandler:
		const withRecords = 1500 // bytes of an answer that has records
		victim.proxy.set(&trap{key: kmsg.Fetch, client: "-session-", answer: true, bytes: withRecords, act: func() bool {
			time.AfterFunc(delay, func() { kill(true)() })
			return true
		}})
	case produced:
		victim.proxy.set(&trap{key: kmsg.TxnOffsetCommit, act: kill(false)})
	case unended:
		victim.proxy.set(&trap{key: kmsg.EndTxn, act: kill(false)})
	case ended:
		victim.proxy.set(&trap{key: kmsg.EndTxn, act: kill(true)})
	case restoring:
		victim.proxy.set(&trap{key: kmsg.Fetch, client: "-replay-", act: kill(false)})
	case joining:
		victim.proxy.set(&trap{key: kmsg.SyncGroup, act: kill(false)})
	case mailed:
		victim.relay.set(func() { kill(true)() })
	case atAnyMoment:
		time.AfterFunc(s.within(time.Second), func() { kill(true)() })
	}
	actual := kind
	return func() string { return actual }, func() {
		select {
		case <-dead:
			return
		case <-time.After(trapPatience):
		case <-s.run.ctx.Done():
		}
		victim.proxy.set(nil)
		if victim.relay != nil {
			victim.relay.set(nil)
		}
		if killed.Swap(true) {
			<-dead
			return
		}
		actual = atAnyMoment
		victim.kill()
	}
}

// freeze stops an instance until the others have taken over, and thaws it. A zombie is stopped, and kept, with its commit on the way.
func (s *service) freeze(victim *instance, kind string) error {
	if len(s.instances) < 2 {
		return nil
	}
	caught, thaw := make(chan error, 1), make(chan struct{})
	if kind == zombie {
		victim.proxy.set(&trap{key: kmsg.EndTxn, act: func() bool {
			caught <- s.stopOutsideOfSQL(victim)
			<-thaw
			return true
		}})
		select {
		case err := <-caught:
			if err != nil {
				close(thaw)
				return err
			}
		case <-time.After(trapPatience):
			victim.proxy.set(nil)
			select {
			case err := <-caught: // at the last moment
				if err != nil {
					close(thaw)
					return err
				}
			default:
				kind = frozen
			}
		}
	}
	if kind == frozen {
		if err := s.stopOutsideOfSQL(victim); err != nil {
			close(thaw)
			return err
		}
	}
	err := s.awaitExpelled(victim)
	if kind == zombie { // its transaction may have timed out by then, or not
		s.pause(12 * time.Second)
	}
	joined, _ := victim.said.look()
	if thawed := victim.signal(syscall.SIGCONT); err == nil {
		err = thawed
	}
	close(thaw)
	if err != nil {
		return err
	}
	s.run.tally.add(s.name, kind)
	return victim.awaitJoined(joined, s.run.ctx.Done())
}

// awaitExpelled waits until the group has given an instance up, and so its partitions to others.
func (s *service) awaitExpelled(victim *instance) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(s.run.cluster.addrs...))
	if err != nil {
		return err
	}
	defer client.Close()
	group, id := s.run.prefix+"skald."+s.name, fmt.Sprintf("skald-%s-session-%s", s.name, victim.name)
	for {
		groups, err := kadm.NewClient(client).DescribeGroups(s.run.ctx, group)
		if err == nil {
			err = groups[group].Err
		}
		members := groups[group].Members
		if err == nil && len(members) > 0 && !slices.ContainsFunc(members, func(m kadm.DescribedGroupMember) bool { return m.ClientID == id }) {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-s.run.ctx.Done():
			return fmt.Errorf("%s is still in its group: %w (%w)", victim.name, context.Cause(s.run.ctx), err)
		}
	}
}

// stopOutsideOfSQL freezes a process, but not while it has the lock of the database file, which the others couldn't get
// before it is thawed: that is how SQLite shares a file, and says nothing about Skald.
func (s *service) stopOutsideOfSQL(victim *instance) error {
	if s.name == "notifier" {
		return victim.signal(syscall.SIGSTOP)
	}
	db, err := openStore(s.run.folder, s.name)
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(s.run.ctx, nil) // whoever has the lock, it isn't the victim
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return victim.signal(syscall.SIGSTOP)
}

// within draws a time.
func (s *service) within(most time.Duration) time.Duration {
	return time.Duration(s.random.Int64N(int64(most)))
}

// pause waits for a time drawn up to most.
func (s *service) pause(most time.Duration) {
	select {
	case <-time.After(s.within(most)):
	case <-s.run.ctx.Done():
	}
}

// plan gives the kinds in an order of the seed's, the same for all services, each of which begins elsewhere in it: so
// even a short run has all of them.
func (s *service) plan() []string {
	order := append([]string{}, kinds...)
	shared := rand.New(rand.NewPCG(s.run.seed, 99))
	shared.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	first := 0
	for n, name := range serviceNames {
		if name == s.name {
			first = n * len(order) / len(serviceNames)
		}
	}
	plan := make([]string, s.run.faults)
	for i := range plan {
		plan[i] = order[(first+i)%len(order)]
		if s.name == "notifier" && i%4 == 1 {
			plan[i] = mailed
		}
	}
	return plan
}
