package native

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"

	"souk.example/pkg/eventbus/kafka"
)

// kafkaEngine is one node that is both broker and controller.
type kafkaEngine struct {
	dir            string
	at             place
	controllerPort int
	jars           string
}

func (k *kafkaEngine) name() Name     { return Kafka }
func (k *kafkaEngine) ports() []int   { return []int{k.at.bound, k.controllerPort} }
func (k *kafkaEngine) port() int      { return k.at.told }
func (k *kafkaEngine) data() string   { return filepath.Join(k.dir, "data") }
func (k *kafkaEngine) config() string { return k.file("kafka.properties") }

func (k *kafkaEngine) file(name string) string { return filepath.Join(k.dir, name) }

func (k *kafkaEngine) missing() []string {
	missing := missingPrograms("java")
	if _, err := os.Stat(k.jars); err != nil {
		missing = append(missing, k.jars)
	}
	return missing
}

func (k *kafkaEngine) prepare(ctx context.Context) error {
	if err := os.MkdirAll(k.data(), 0o700); err != nil {
		return err
	}
	at := places{"Port": k.at.bound, "Advertised": k.at.told, "ControllerPort": k.controllerPort, "Data": k.data()}
	for _, name := range []string{"kafka.properties", "kafka-jvm.options", "kafka-log4j2.properties"} {
		if err := render(name, k.file(name), at); err != nil {
			return err
		}
	}
	return k.format(ctx)
}

// format makes the data directory a cluster of its own, once: Kafka refuses a
// directory without meta.properties, which the tool writes last.
func (k *kafkaEngine) format(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(k.data(), "meta.properties")); err == nil {
		return nil
	}
	return runOnce(exec.CommandContext(ctx, program("java"),
		k.java("kafka.tools.StorageTool", "format", "--cluster-id="+clusterID(), "--config", k.config())...))
}

// clusterID is a random id in the form Kafka wants: 16 bytes in base64. One in
// 64 begins with "-", so it goes to the tool as --cluster-id=ID.
func clusterID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(id[:])
}

func (k *kafkaEngine) command() *exec.Cmd {
	return exec.Command(program("java"), k.java("kafka.Kafka", k.config())...)
}

// java is the command line of one of Kafka's programs.
func (k *kafkaEngine) java(args ...string) []string {
	return append([]string{
		"@" + k.file("kafka-jvm.options"),
		"-Dlog4j2.configurationFile=" + k.file("kafka-log4j2.properties"),
		"-cp", filepath.Join(k.jars, "*"),
	}, args...)
}

// ping opens a bus as the services do: it answers once the broker has joined
// its controller, and not merely its port is open.
func (k *kafkaEngine) ping(ctx context.Context) error {
	bus, err := kafka.Open(ctx, kafka.Config{Brokers: []string{loopback(k.at.bound)}}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(bus.Ping(ctx), bus.Close())
}
