package notify

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const testToken = "simulated"

var testNow = time.Date(2026, 11, 24, 9, 0, 0, 0, time.FixedZone("Asia/Shanghai", 8*3600))

// door is our own server as the simulator sees it: it refuses what is not signed.
type door struct {
	reports  chan Report
	inbounds chan Inbound
	url      string
	refuse   atomic.Bool
}

func newDoor(t *testing.T) *door {
	t.Helper()
	d := &door{reports: make(chan Report, 16), inbounds: make(chan Inbound, 16)}
	server := httptest.NewServer(http.HandlerFunc(d.serve))
	t.Cleanup(server.Close)
	d.url = server.URL
	return d
}

func (d *door) serve(w http.ResponseWriter, r *http.Request) {
	hook := TwilioWebhook{PublicURL: d.url, Tokens: []string{testToken}}
	if r.ParseForm() != nil || !hook.Verify(r.URL.Path, r.URL.RawQuery, r.PostForm, r.Header.Get(TwilioSignatureHeader)) || d.refuse.Load() {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if r.URL.Path == TwilioInboundPath {
		if in, err := ReadInbound(r.PostForm); err == nil {
			d.inbounds <- in
		}
		return
	}
	if report, err := ReadReport(r.URL.Query(), r.PostForm); err == nil {
		d.reports <- report
	}
}

func newTestSimulator(t *testing.T, change func(*SimulatorConfig)) *Simulator {
	t.Helper()
	config := SimulatorConfig{Token: testToken, From: testFrom, Now: func() time.Time { return testNow }}
	change(&config)
	s, err := NewSimulator(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close(context.Background())) })
	return s
}

func TestSimulatorBehavesLikeACarrier(t *testing.T) {
	t.Parallel()
	t.Run("ReportsSentThenDelivered", func(t *testing.T) {
		t.Parallel()
		d := newDoor(t)
		s := newTestSimulator(t, func(c *SimulatorConfig) {
			c.PublicURL, c.AcceptDelay, c.SentDelay, c.DeliveredDelay = d.url, time.Millisecond, time.Millisecond, time.Millisecond
		})
		receipt, err := s.Send(t.Context(), testMessage)
		require.NoError(t, err)
		require.Len(t, receipt.CarrierMessageID, 34)
		require.Equal(t, DeliveryQueued, receipt.Delivery)
		for _, status := range []string{DeliverySent, DeliveryDelivered} {
			require.Equal(t, Report{
				CarrierMessageID: receipt.CarrierMessageID, MessageID: testMessage.ID, Status: status, RawStatus: status,
			}, <-d.reports)
		}
		require.Equal(t, []HandsetMessage{{
			SID: receipt.CarrierMessageID, MessageID: testMessage.ID, Number: testTo, Peer: testFrom, Incoming: true,
			Text: testMessage.Text, At: testNow, Status: DeliveryDelivered,
		}}, s.Handset(testTo))
		require.Equal(t, []string{testTo}, s.Numbers())
	})
	t.Run("ReportsADeadPhoneAsUndelivered", func(t *testing.T) {
		t.Parallel()
		d := newDoor(t)
		s := newTestSimulator(t, func(c *SimulatorConfig) {
			c.PublicURL, c.Failing = d.url, map[string]string{testTo: "30005"}
		})
		_, err := s.Send(t.Context(), testMessage)
		require.NoError(t, err)
		require.Equal(t, DeliverySent, (<-d.reports).Status)
		last := <-d.reports
		require.Equal(t, DeliveryUndelivered, last.Status)
		require.Equal(t, "30005", last.ErrorCode)
	})
	t.Run("RefusesAtOnceAndShowsNothing", func(t *testing.T) {
		t.Parallel()
		s := newTestSimulator(t, func(*SimulatorConfig) {})
		s.SetFailing(testTo, "21610")
		_, err := s.Send(t.Context(), testMessage)
		requireClass(t, err, OptedOut, "21610")
		require.Empty(t, s.Handset(testTo))
	})
	t.Run("FindsWhatItTook", func(t *testing.T) {
		t.Parallel()
		s := newTestSimulator(t, func(c *SimulatorConfig) { c.Quiet = true })
		_, err := s.Find(t.Context(), testMessage, testNow)
		require.ErrorIs(t, err, ErrNotFound)
		sent, err := s.Send(t.Context(), testMessage)
		require.NoError(t, err)
		found, err := s.Find(t.Context(), testMessage, testNow)
		require.NoError(t, err)
		require.Equal(t, []Receipt{{CarrierMessageID: sent.CarrierMessageID, Delivery: DeliveryDelivered}}, found)
		_, err = s.Find(t.Context(), testMessage, testNow.Add(time.Second))
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestSimulatorReply(t *testing.T) {
	t.Parallel()
	t.Run("ArrivesSigned", func(t *testing.T) {
		t.Parallel()
		d := newDoor(t)
		s := newTestSimulator(t, func(c *SimulatorConfig) { c.PublicURL = d.url })
		require.NoError(t, s.Reply(t.Context(), testTo, testFrom, "K7Q2M 1"))
		in := <-d.inbounds
		require.Equal(t, testTo, in.From)
		require.Equal(t, testFrom, in.To)
		require.Equal(t, "K7Q2M 1", in.Text)
		shown := s.Handset(testTo)
		require.Len(t, shown, 1)
		require.False(t, shown[0].Incoming)
		require.Equal(t, in.CarrierMessageID, shown[0].SID)
	})
	t.Run("SaysWhenOurServerRefuses", func(t *testing.T) {
		t.Parallel()
		d := newDoor(t)
		d.refuse.Store(true)
		s := newTestSimulator(t, func(c *SimulatorConfig) { c.PublicURL = d.url })
		err := s.Reply(t.Context(), testTo, testFrom, "K7Q2M 1")
		require.ErrorContains(t, err, "403")
		require.NotContains(t, err.Error(), "K7Q2M")
		require.Len(t, s.Handset(testTo), 1)
	})
}

func TestSimulatorQuiet(t *testing.T) {
	t.Parallel()
	var reports []Report
	var inbounds []Inbound
	s := newTestSimulator(t, func(c *SimulatorConfig) {
		c.Quiet, c.AcceptDelay = true, time.Hour
		c.OnReport = func(r Report) { reports = append(reports, r) }
		c.OnInbound = func(in Inbound) { inbounds = append(inbounds, in) }
	})
	_, err := s.Send(t.Context(), testMessage)
	require.NoError(t, err)
	require.NoError(t, s.Reply(t.Context(), testTo, testFrom, "1"))
	require.Len(t, reports, 2)
	require.Equal(t, DeliveryDelivered, reports[1].Status)
	require.Equal(t, testMessage.ID, reports[1].MessageID)
	require.Equal(t, "1", inbounds[0].Text)
}

func TestSimulatorGoesLiveAfterAQuietPast(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	s := newTestSimulator(t, func(c *SimulatorConfig) { c.PublicURL, c.Quiet = d.url, true })
	_, err := s.Send(t.Context(), testMessage)
	require.NoError(t, err)
	require.Empty(t, d.reports)
	s.SetQuiet(false)
	_, err = s.Send(t.Context(), testMessage)
	require.NoError(t, err)
	require.Equal(t, DeliverySent, (<-d.reports).Status)
	require.Len(t, s.Handset(testTo), 2)
}

func TestSimulatorKeepsItsHandsetsOverARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "handsets.jsonl")
	open := func() *Simulator {
		s, err := NewSimulator(t.Context(), SimulatorConfig{
			From: testFrom, File: file, Quiet: true, Now: func() time.Time { return testNow.UTC() },
		})
		require.NoError(t, err)
		return s
	}
	first := open()
	_, err := first.Send(t.Context(), testMessage)
	require.NoError(t, err)
	require.NoError(t, first.Reply(t.Context(), testTo, testFrom, "1"))
	shown := first.Handset(testTo)
	require.Equal(t, DeliveryDelivered, shown[0].Status)
	require.NoError(t, first.Close(t.Context()))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	t.Run("ShowsTheSameAgain", func(t *testing.T) {
		// A crash in the middle of a line loses that line alone.
		torn, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
		require.NoError(t, err)
		_, err = torn.WriteString(`{"sid":"SM`)
		require.NoError(t, err)
		require.NoError(t, torn.Close())
		second := open()
		require.Equal(t, shown, second.Handset(testTo))
		require.NoError(t, second.Reply(t.Context(), testTo, testFrom, "2"))
		require.NoError(t, second.Close(t.Context()))
		third := open()
		require.Len(t, third.Handset(testTo), 3)
		require.NoError(t, third.Close(t.Context()))
	})
	t.Run("RefusesAFileThatIsNone", func(t *testing.T) {
		require.NoError(t, os.WriteFile(file, []byte("hello\n"), 0o600))
		_, err := NewSimulator(t.Context(), SimulatorConfig{File: file})
		require.ErrorContains(t, err, "handset file")
	})
}

func TestSimulatorClose(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	s, err := NewSimulator(t.Context(), SimulatorConfig{PublicURL: d.url, Token: testToken, SentDelay: time.Hour})
	require.NoError(t, err)
	_, err = s.Send(t.Context(), testMessage)
	require.NoError(t, err)
	require.NoError(t, s.Close(t.Context()), "does not wait for the hour")
	require.Empty(t, d.reports)
	_, err = s.Send(t.Context(), testMessage)
	requireClass(t, err, Temporary, "")
	require.Error(t, s.Reply(t.Context(), testTo, testFrom, "1"))
	require.NoError(t, s.Close(t.Context()))
}
