package e2e

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/IBM/sarama"

	"souk.example/contracts"
)

// kafkaClient is a client of the broker's that tests may give to a strange
// member of a group.
func (c *chaos) kafkaClient() sarama.Client {
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_8_0_0
	cfg.Consumer.Offsets.AutoCommit.Enable = false
	cfg.Consumer.Group.Heartbeat.Interval = time.Second
	cfg.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyCooperativeSticky()}
	client, err := sarama.NewClient([]string{fmt.Sprintf("127.0.0.1:%d", c.souk.base+engineOffsets["kafka"])}, cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = client.Close() })
	return client
}

// rebalance has strangers join each group and leave it again, one after the
// other: partitions are taken from the services and given back.
func (c *chaos) rebalance() {
	client := c.kafkaClient()
	ctx, stop := context.WithTimeout(c.t.Context(), 3*time.Minute)
	defer stop()
	var groups sync.WaitGroup
	for _, group := range contracts.Groups() {
		groups.Go(func() { c.rebalanceGroup(ctx, client, group, c.rounds(12)) })
	}
	groups.Wait()
}

// rebalanceGroup lets n strangers have partitions of a group. The coming and
// going of each is a generation of the group's.
func (c *chaos) rebalanceGroup(ctx context.Context, client sarama.Client, group string, n int) {
	var generations []int32
	for len(generations) < n {
		if ctx.Err() != nil {
			c.t.Errorf("void: group %s gave partitions to %d strangers, want %d", group, len(generations), n)
			return
		}
		if s := c.visit(ctx, client, group); s.claims > 0 {
			generations = append(generations, s.generation)
		}
	}
	rebalances := generations[n-1] - generations[0] + 1
	if int(rebalances) < n {
		c.t.Errorf("void: group %s saw %d rebalances, want %d", group, rebalances, n)
	}
	c.t.Logf("group %s: %d strangers had partitions in turn, %d rebalances", group, n, rebalances)
}

// visit joins a group until it is given partitions, and leaves at once without
// having done anything.
func (c *chaos) visit(ctx context.Context, client sarama.Client, group string) *stranger {
	ctx, leave := context.WithTimeout(ctx, 20*time.Second)
	defer leave()
	s := &stranger{leave: leave}
	member, err := sarama.NewConsumerGroupFromClient(group, client)
	if err != nil {
		c.t.Error(err)
		return s
	}
	_ = member.Consume(ctx, contracts.ReadBy(group), s) // whatever it is, the next one tries again
	if err := member.Close(); err != nil {
		c.t.Log(err)
	}
	return s
}

// stranger is a member of a group that reads nothing.
type stranger struct {
	leave      context.CancelFunc
	mu         sync.Mutex
	claims     int
	generation int32
}

// Setup implements sarama.ConsumerGroupHandler.
func (*stranger) Setup(sarama.ConsumerGroupSession) error { return nil }

// Cleanup implements sarama.ConsumerGroupHandler.
func (*stranger) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim implements sarama.ConsumerGroupHandler.
func (s *stranger) ConsumeClaim(session sarama.ConsumerGroupSession, _ sarama.ConsumerGroupClaim) error {
	s.mu.Lock()
	s.claims, s.generation = s.claims+1, session.GenerationID()
	s.mu.Unlock()
	s.leave()
	return nil
}

// zombies stops replicas in the middle of their work until their partitions are
// others', and lets them go on with what they had in hand.
func (c *chaos) zombies() {
	admin, err := sarama.NewClusterAdminFromClient(c.kafkaClient())
	if err != nil {
		c.t.Fatal(err)
	}
	groups := []string{contracts.GroupOrder, contracts.GroupInventory, contracts.GroupPayment, contracts.GroupPoints}
	c.rand.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
	for _, group := range groups[:c.rounds(len(groups))] {
		c.haunt(admin, group)
	}
}

func (c *chaos) haunt(admin sarama.ClusterAdmin, group string) {
	replicas := slices.DeleteFunc(c.services(), func(s serviceStatus) bool { return s.Name != group }) // groups are named for their services
	c.hasMembers(admin, group, len(replicas))
	victim := c.anyOf(replicas)
	if err := syscall.Kill(victim.PID, syscall.SIGSTOP); err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(victim.PID, syscall.SIGCONT) }()
	c.hasMembers(admin, group, len(replicas)-1)
	c.wait(time.Second) // the others apply what it has in hand
}

// hasMembers waits until a group has shared its partitions out among n members.
func (c *chaos) hasMembers(admin sarama.ClusterAdmin, group string, n int) {
	eventually(c.t, time.Minute, fmt.Sprintf("group %s to have %d members", group, n), func() bool {
		found, err := admin.DescribeConsumerGroups([]string{group})
		return err == nil && len(found) == 1 && found[0].State == "Stable" && len(found[0].Members) == n
	})
}
