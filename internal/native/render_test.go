package native

import (
	"strings"
	"testing"
)

func TestConfigurationFilesHoldWhatSoukReliesOn(t *testing.T) {
	at := places{
		"Port": 8001, "Advertised": 8003, "ControllerPort": 8002,
		"Data": "/home/data", "Temp": "/home/tmp", "InitFile": "/home/init.sql",
	}
	for name, lines := range map[string][]string{
		"redis.conf": {
			"bind 127.0.0.1", "port 8001", `dir "/home/data"`, "protected-mode yes",
			"appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction",
		},
		"mariadb.cnf": {
			"bind-address = 127.0.0.1", "port = 8001", "datadir = /home/data", "tmpdir = /home/tmp", "init-file = /home/init.sql",
			"innodb_flush_log_at_trx_commit = 1", "skip-log-bin", "max_allowed_packet = 64M",
			"character-set-server = utf8mb4", "collation-server = utf8mb4_bin",
		},
		"kafka.properties": {
			"listeners=PLAINTEXT://127.0.0.1:8001,CONTROLLER://127.0.0.1:8002", "advertised.listeners=PLAINTEXT://127.0.0.1:8003", "controller.quorum.voters=1@127.0.0.1:8002",
			"log.dirs=/home/data", "auto.create.topics.enable=false", "num.partitions=4",
			"group.initial.rebalance.delay.ms=0", "offsets.topic.replication.factor=1",
		},
		"kafka-jvm.options":       {"-Xms256m", "-Xmx512m"},
		"kafka-log4j2.properties": {"appender.out.type = Console"},
	} {
		text, err := renderText(name, at)
		if err != nil {
			t.Error(err)
		}
		for _, line := range lines {
			if !strings.Contains("\n"+text, "\n"+line+"\n") {
				t.Errorf("%s lacks the line %q", name, line)
			}
		}
	}
}

func TestAMissingValueIsAnError(t *testing.T) {
	if _, err := renderText("mariadb.cnf", places{"Port": 1}); err == nil {
		t.Error("a configuration without a data directory was written")
	}
}
