package kafka

import (
	"github.com/IBM/sarama"

	"souk.example/pkg/eventbus"
)

// Record headers. What belongs to one event travels in the pack instead.
const (
	headerContentType = "content-type"
	headerSchema      = "schema-version"
	headerReplay      = "souk-replay" // the one group that a record is sent again for
)

func message(r eventbus.Record, s slot) *sarama.ProducerMessage {
	m := &sarama.ProducerMessage{
		Topic:     r.Topic,
		Partition: r.Partition,
		Value:     sarama.ByteEncoder(r.Value),
		Headers: []sarama.RecordHeader{
			header(headerContentType, eventbus.ContentType),
			header(headerSchema, eventbus.SchemaVersion),
		},
		Metadata: s,
	}
	if r.Replay != "" {
		m.Headers = append(m.Headers, header(headerReplay, r.Replay))
	}
	return m
}

func header(key, value string) sarama.RecordHeader {
	return sarama.RecordHeader{Key: []byte(key), Value: []byte(value)}
}

func record(m *sarama.ConsumerMessage) eventbus.Record {
	r := eventbus.Record{
		Topic:     m.Topic,
		Partition: m.Partition,
		Offset:    m.Offset,
		Value:     m.Value,
	}
	for _, h := range m.Headers {
		switch string(h.Key) {
		case headerSchema:
			r.Schema = string(h.Value)
		case headerReplay:
			r.Replay = string(h.Value)
		}
	}
	return r
}
