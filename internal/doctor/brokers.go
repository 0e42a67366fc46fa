package doctor

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// examineBrokers looks at each broker that the cluster knows, not only at those that were named.
func (p *patient) examineBrokers(ctx context.Context) ([]Finding, error) {
	if err := p.findBrokers(ctx); err != nil {
		return nil, err
	}
	var findings []Finding
	for _, id := range slices.Sorted(maps.Keys(p.down)) {
		findings = append(findings, Finding{
			Severity: Problem,
			Text:     fmt.Sprintf("broker %d (%s) belongs to the cluster, but is down", id, p.down[id]),
			Fix:      "start it; if it is gone for good: " + p.Connection.Command("kafka-cluster.sh unregister", "--id", strconv.Itoa(int(id))),
		})
	}
	versions, err := p.admin.ApiVersions(ctx)
	if err != nil && len(versions) == 0 {
		return findings, err
	}
	for _, id := range slices.Sorted(maps.Keys(p.live)) {
		answer, asked := versions[id]
		if asked && answer.Err == nil {
			continue
		}
		at := p.Connection
		at.Brokers = []string{p.live[id]}
		e := at.Diagnose(ctx, cmp.Or(answer.Err, err, context.DeadlineExceeded))
		findings = append(findings, Finding{
			Severity: Problem,
			Text:     fmt.Sprintf("broker %d says it is at %s, but %s", id, p.live[id], e.Text),
			Fix:      "set its advertised.listeners to an address that clients reach; else " + e.Fix,
		})
	}
	if len(findings) == 0 {
		findings = append(findings, Finding{Severity: OK, Text: count(len(p.live), "broker") + ", all answering"})
	}
	return findings, nil
}

// findBrokers asks for all brokers, also for those that are down, where brokers tell (Kafka 4.0).
func (p *patient) findBrokers(ctx context.Context) error {
	p.live, p.down = map[int32]string{}, map[int32]string{}
	req := kmsg.NewPtrDescribeClusterRequest()
	req.IncludeFencedBrokers = true
	resp, err := req.RequestWith(ctx, p.client)
	if err == nil && resp.ErrorCode == 0 {
		for _, b := range resp.Brokers {
			to := p.live
			if b.IsFenced {
				to = p.down
			}
			to[b.NodeID] = net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
		}
		return nil
	}
	metadata, err := p.admin.BrokerMetadata(ctx)
	for _, b := range metadata.Brokers {
		p.live[b.NodeID] = net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
	}
	return err
}

// count is "1 broker" or "3 brokers".
func count[N int | int32 | int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
