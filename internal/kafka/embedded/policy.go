package embedded

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxPartitions bounds the partitions of one topic. kfake makes as many as it
// is asked for, up to 2,147,483,647.
const maxPartitions = 10_000

// applyPolicy answers requests that Apache Kafka would refuse and kfake takes:
// it checks neither the names of topics nor the values of their configuration
// (a retention.ms that isn't a number is 0 to it, and so deletes everything),
// and a broker configuration of log.cleaner.backoff.ms=0 makes it panic.
//
// A request with one bad item is refused as a whole, as it can't be handed on
// in part. kfake remembers the last request of each connection for each of
// these keys, so only those of administrators are looked at.
func applyPolicy(c *kfake.Cluster) {
	on := func(key kmsg.Key, check func(kmsg.Request) kmsg.Response) {
		c.ControlKey(key.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			resp := check(req)
			return resp, nil, resp != nil
		})
	}
	on(kmsg.CreateTopics, checkCreateTopics)
	on(kmsg.CreatePartitions, checkCreatePartitions)
	on(kmsg.AlterConfigs, checkAlterConfigs)
	on(kmsg.IncrementalAlterConfigs, checkIncrementalAlterConfigs)
}

// problem is why an item of a request is refused; nil if it isn't.
type problem struct {
	code    *kerr.Error
	message string
}

// answer gives what to put into the response for an item.
func (p *problem) answer() (int16, *string) {
	if p == nil {
		p = &problem{kerr.InvalidRequest, "nothing was done, because another part of the same request was refused"}
	}
	return p.code.Code, &p.message
}

// checkItems returns the problem of each item, or nil if there is none at all.
func checkItems[T any](items []T, check func(*T) *problem) []*problem {
	problems := make([]*problem, len(items))
	found := false
	for i := range items {
		problems[i] = check(&items[i])
		found = found || problems[i] != nil
	}
	if !found {
		return nil
	}
	return problems
}

func checkCreateTopics(request kmsg.Request) kmsg.Response {
	req := request.(*kmsg.CreateTopicsRequest)
	problems := checkItems(req.Topics, func(t *kmsg.CreateTopicsRequestTopic) *problem {
		p := checkTopicName(t.Topic)
		if p == nil {
			p = checkPartitions(max(int(t.NumPartitions), len(t.ReplicaAssignment)))
		}
		for i := 0; p == nil && i < len(t.Configs); i++ {
			p = checkTopicConfig(t.Configs[i].Name, t.Configs[i].Value)
		}
		return p
	})
	if problems == nil {
		return nil
	}
	resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
	for i, p := range problems {
		t := kmsg.NewCreateTopicsResponseTopic()
		t.Topic = req.Topics[i].Topic
		t.ErrorCode, t.ErrorMessage = p.answer()
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

func checkCreatePartitions(request kmsg.Request) kmsg.Response {
	req := request.(*kmsg.CreatePartitionsRequest)
	problems := checkItems(req.Topics, func(t *kmsg.CreatePartitionsRequestTopic) *problem {
		return checkPartitions(int(t.Count))
	})
	if problems == nil {
		return nil
	}
	resp := req.ResponseKind().(*kmsg.CreatePartitionsResponse)
	for i, p := range problems {
		t := kmsg.NewCreatePartitionsResponseTopic()
		t.Topic = req.Topics[i].Topic
		t.ErrorCode, t.ErrorMessage = p.answer()
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

func checkAlterConfigs(request kmsg.Request) kmsg.Response {
	req := request.(*kmsg.AlterConfigsRequest)
	problems := checkItems(req.Resources, func(r *kmsg.AlterConfigsRequestResource) *problem {
		p := checkResource(r.ResourceType)
		for i := 0; p == nil && i < len(r.Configs); i++ {
			p = checkTopicConfig(r.Configs[i].Name, r.Configs[i].Value)
		}
		return p
	})
	if problems == nil {
		return nil
	}
	resp := req.ResponseKind().(*kmsg.AlterConfigsResponse)
	for i, p := range problems {
		r := kmsg.NewAlterConfigsResponseResource()
		r.ResourceType, r.ResourceName = req.Resources[i].ResourceType, req.Resources[i].ResourceName
		r.ErrorCode, r.ErrorMessage = p.answer()
		resp.Resources = append(resp.Resources, r)
	}
	return resp
}

func checkIncrementalAlterConfigs(request kmsg.Request) kmsg.Response {
	req := request.(*kmsg.IncrementalAlterConfigsRequest)
	problems := checkItems(req.Resources, func(r *kmsg.IncrementalAlterConfigsRequestResource) *problem {
		p := checkResource(r.ResourceType)
		for i := 0; p == nil && i < len(r.Configs); i++ {
			if r.Configs[i].Op == kmsg.IncrementalAlterConfigOpSet {
				p = checkTopicConfig(r.Configs[i].Name, r.Configs[i].Value)
			}
		}
		return p
	})
	if problems == nil {
		return nil
	}
	resp := req.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
	for i, p := range problems {
		r := kmsg.NewIncrementalAlterConfigsResponseResource()
		r.ResourceType, r.ResourceName = req.Resources[i].ResourceType, req.Resources[i].ResourceName
		r.ErrorCode, r.ErrorMessage = p.answer()
		resp.Resources = append(resp.Resources, r)
	}
	return resp
}

// topicName is Kafka's rule for names, in org.apache.kafka.common.internals.Topic.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func checkTopicName(name string) *problem {
	if !topicName.MatchString(name) || name == "." || name == ".." {
		return &problem{kerr.InvalidTopicException, fmt.Sprintf("topic name %.300q: 1 to 249 of the characters a-z A-Z 0-9 . _ - are allowed", name)}
	}
	return nil
}

func checkPartitions(n int) *problem {
	if n > maxPartitions {
		return &problem{kerr.InvalidPartitions, fmt.Sprintf("%d partitions: the embedded broker allows at most %d", n, maxPartitions)}
	}
	return nil
}

func checkResource(t kmsg.ConfigResourceType) *problem {
	if t != kmsg.ConfigResourceTypeTopic {
		return &problem{kerr.InvalidRequest, "only the configuration of topics can be changed: the embedded broker's own is fixed"}
	}
	return nil
}

// leastConfig is the least value of each configuration that kfake reads as a
// number. Those that it doesn't know have no effect there, and pass.
var leastConfig = map[string]int64{
	"delete.retention.ms": 0,
	"max.message.bytes":   0,
	"min.insync.replicas": 1,
	"retention.bytes":     -1,
	"retention.ms":        -1,
	"segment.bytes":       1 << 20, // As of Apache Kafka 4.0 (KIP-1030).
	"segment.ms":          1,
}

func checkTopicConfig(name string, value *string) *problem {
	least, ok := leastConfig[name]
	if !ok || value == nil {
		return nil
	}
	if n, err := strconv.ParseInt(*value, 10, 64); err != nil || n < least {
		return &problem{kerr.InvalidConfig, fmt.Sprintf("%s=%.100q: must be a number of at least %d", name, *value, least)}
	}
	return nil
}
