package brokertest

import (
	"net"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// rewrite puts the proxy's addresses in place of the brokers', in those answers that have some.
func (p *Proxy) rewrite(e *Exchange, frame []byte) ([]byte, error) {
	if !slices.Contains([]kmsg.Key{kmsg.Metadata, kmsg.FindCoordinator, kmsg.Produce, kmsg.Fetch}, e.Key) {
		return frame, nil
	}
	response := kmsg.ResponseForKey(e.Key.Int16())
	response.SetVersion(e.version)
	body := kbin.Reader{Src: frame[4:]}
	if response.IsFlexible() {
		kmsg.SkipTags(&body)
	}
	if err := response.ReadFrom(body.Src); err != nil {
		return nil, err
	}
	switch m := response.(type) {
	case *kmsg.MetadataResponse:
		for i := range m.Brokers {
			p.replace(&m.Brokers[i].Host, &m.Brokers[i].Port)
		}
	case *kmsg.FindCoordinatorResponse:
		p.replace(&m.Host, &m.Port)
		for i := range m.Coordinators {
			p.replace(&m.Coordinators[i].Host, &m.Coordinators[i].Port)
		}
	case *kmsg.ProduceResponse: // where the leader is now (KIP-951)
		if len(m.Brokers) == 0 {
			return frame, nil
		}
		for i := range m.Brokers {
			p.replace(&m.Brokers[i].Host, &m.Brokers[i].Port)
		}
	case *kmsg.FetchResponse:
		if len(m.Brokers) == 0 {
			return frame, nil
		}
		for i := range m.Brokers {
			p.replace(&m.Brokers[i].Host, &m.Brokers[i].Port)
		}
	}
	out := slices.Clone(frame[:4])
	if response.IsFlexible() {
		out = append(out, 0)
	}
	return response.AppendTo(out), nil
}

func (p *Proxy) replace(host *string, port *int32) {
	if l := p.listeners[net.JoinHostPort(*host, strconv.Itoa(int(*port)))]; l != nil {
		addr := l.Addr().(*net.TCPAddr)
		*host, *port = addr.IP.String(), int32(addr.Port)
	}
}
