package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"aftercare/carelog"
)

// metrics is /metrics: what waits, and the process itself. No label names a
// person or an office.
func metrics(log *carelog.Log, slog *slog.Logger) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &backlog{log: log, slog: slog})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// backlog asks the care log what waits, at every scrape.
type backlog struct {
	log  *carelog.Log
	slog *slog.Logger
}

var (
	dueMessages     = prometheus.NewDesc("aftercare_messages_due", "Planned messages whose time has come.", nil, nil)
	oldestDue       = prometheus.NewDesc("aftercare_messages_oldest_due_seconds", "How long the oldest due message has waited.", nil, nil)
	sendingMessages = prometheus.NewDesc("aftercare_messages_sending", "Messages handed to the carrier whose outcome is not known.", nil, nil)
	storedReplies   = prometheus.NewDesc("aftercare_replies_stored", "Replies that are not matched yet.", nil, nil)
	waitingReports  = prometheus.NewDesc("aftercare_delivery_reports_waiting", "Delivery reports that are not applied yet.", nil, nil)
	openTasks       = prometheus.NewDesc("aftercare_tasks_open", "Open work for a person.", nil, nil)
	lateTasks       = prometheus.NewDesc("aftercare_tasks_late", "Open work for a person past its time.", nil, nil)
	overdueCheckIns = prometheus.NewDesc("aftercare_check_ins_overdue", "Check-ins that are overdue or missed.", nil, nil)
	openAlerts      = prometheus.NewDesc("aftercare_alerts_open", "Alerts that are not closed.", nil, nil)
	redAlerts       = prometheus.NewDesc("aftercare_alerts_red", "Red alerts that are not closed.", nil, nil)
	dueEscalations  = prometheus.NewDesc("aftercare_escalations_due", "Escalations whose next rung is to be told by now.", nil, nil)
)

// Describe tells nothing ahead: the collector is unchecked, so that a database
// that is away costs only its own figures.
func (b *backlog) Describe(chan<- *prometheus.Desc) {}

// Collect counts what waits, within two seconds.
func (b *backlog) Collect(out chan<- prometheus.Metric) {
	ctx, done := context.WithTimeout(context.Background(), 2*time.Second)
	defer done()
	found, err := b.log.Backlog(ctx)
	if err != nil {
		b.slog.Warn("metrics: the backlog could not be counted", "error", err)
		return
	}
	for desc, value := range map[*prometheus.Desc]float64{
		dueMessages: float64(found.DueMessages), oldestDue: found.OldestDue.Seconds(), sendingMessages: float64(found.SendingMessages),
		storedReplies: float64(found.StoredReplies), waitingReports: float64(found.WaitingReports),
		openTasks: float64(found.OpenTasks), lateTasks: float64(found.LateTasks), overdueCheckIns: float64(found.OverdueCheckIns),
		openAlerts: float64(found.OpenAlerts), redAlerts: float64(found.RedAlerts), dueEscalations: float64(found.DueEscalations),
	} {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
}
