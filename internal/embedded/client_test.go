package embedded_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/IBM/sarama"
)

func client(t *testing.T, addr string) sarama.Client {
	t.Helper()
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_8_0_0
	cfg.Producer.RequiredAcks = sarama.WaitForAll
	cfg.Producer.Return.Successes = true
	cfg.Producer.Retry.Max = 0
	cfg.Consumer.Offsets.AutoCommit.Enable = false
	c, err := sarama.NewClient([]string{addr}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// produce sends numbered records to partition 0, from first on, until sending
// fails or stop says so, and returns the number after the last acknowledged.
func produce(t *testing.T, c sarama.Client, first int, stop func(next int) bool) int {
	t.Helper()
	p, err := sarama.NewSyncProducerFromClient(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	pad := strings.Repeat("x", 10_000) // several pages, so that a kill can tear one
	for n := first; ; n++ {
		if stop(n) {
			return n
		}
		_, _, err := p.SendMessage(&sarama.ProducerMessage{
			Topic: topic, Key: sarama.StringEncoder("k"), Value: sarama.StringEncoder(strconv.Itoa(n) + " " + pad),
		})
		if err != nil {
			return n
		}
	}
}

func commit(t *testing.T, c sarama.Client, offset int64) {
	t.Helper()
	broker, err := c.Coordinator(group)
	if err != nil {
		t.Fatal(err)
	}
	req := &sarama.OffsetCommitRequest{ConsumerGroup: group, ConsumerGroupGeneration: -1, Version: 2, RetentionTime: -1}
	req.AddBlock(topic, 0, offset, 0, "")
	resp, err := broker.CommitOffset(req)
	if err != nil {
		t.Fatal(err)
	}
	if code := resp.Errors[topic][0]; code != sarama.ErrNoError {
		t.Fatal(code)
	}
}

func committed(t *testing.T, c sarama.Client) int64 {
	t.Helper()
	admin, err := sarama.NewClusterAdminFromClient(c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: {0}})
	if err != nil {
		t.Fatal(err)
	}
	return got.GetBlock(topic, 0).Offset
}

// numbers reads every record and returns the set of numbers found.
func numbers(t *testing.T, c sarama.Client) map[int]bool {
	t.Helper()
	consumer, err := sarama.NewConsumerFromClient(c)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	found := map[int]bool{}
	for part := range int32(2) {
		readPartition(t, c, consumer, part, found)
	}
	return found
}

func readPartition(t *testing.T, c sarama.Client, consumer sarama.Consumer, part int32, into map[int]bool) {
	t.Helper()
	end, err := c.GetOffset(topic, part, sarama.OffsetNewest)
	if err != nil {
		t.Fatal(err)
	}
	if end == 0 {
		return
	}
	pc, err := consumer.ConsumePartition(topic, part, sarama.OffsetOldest)
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	for msg := range pc.Messages() {
		number, _, _ := bytes.Cut(msg.Value, []byte(" "))
		n, err := strconv.Atoi(string(number))
		if err != nil {
			t.Fatal(err)
		}
		into[n] = true
		if msg.Offset == end-1 {
			return
		}
	}
}
