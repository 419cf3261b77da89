package notify

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Paths below the public URL that Alibaba Cloud pushes to, as configured in its console.
const (
	AliyunReplyPath  = "/webhooks/aliyun/reply"
	AliyunReportPath = "/webhooks/aliyun/report"
)

// AliyunPushHeader is the request header that carries the shared secret. The proxy in front of us
// sets it, on requests that it has let in, since the carrier itself signs nothing.
const AliyunPushHeader = "X-Aftercare-Push"

// AliyunTrust names what tells Alibaba Cloud's pushes from forgeries.
type AliyunTrust string

// The kinds of trust. There is no default.
const (
	TrustHeader    AliyunTrust = "header"    // a proxy sets AliyunPushHeader
	TrustAddresses AliyunTrust = "addresses" // pushes come straight from the carrier's addresses
	TrustPull      AliyunTrust = "pull"      // no push is taken: replies are not heard
)

// minPushSecret is the shortest secret taken: nobody guesses 16 characters over HTTP.
const minPushSecret = 16

// AliyunWebhook tells Alibaba Cloud's pushes from forgeries. The zero value trusts nobody.
type AliyunWebhook struct {
	trust     AliyunTrust
	secret    [sha256.Size]byte
	addresses []netip.Prefix
}

// NewAliyunWebhook reads the settings and reports all problems together. addresses is a list of
// addresses and CIDR ranges between commas or spaces.
func NewAliyunWebhook(trust, secret, addresses string) (AliyunWebhook, error) {
	w := AliyunWebhook{trust: AliyunTrust(trust), secret: sha256.Sum256([]byte(secret))}
	switch w.trust {
	case TrustHeader:
		if len(secret) < minPushSecret {
			return AliyunWebhook{}, fmt.Errorf("aliyun: trust in a header needs a push secret of at least %d characters", minPushSecret)
		}
	case TrustAddresses:
		var problems []error
		for _, written := range strings.FieldsFunc(addresses, func(r rune) bool { return r == ',' || r == ' ' }) {
			prefix, err := addressRange(written)
			problems = append(problems, err)
			w.addresses = append(w.addresses, prefix)
		}
		if len(w.addresses) == 0 {
			problems = append(problems, errors.New("aliyun: trust in addresses needs the carrier's push addresses"))
		}
		if err := errors.Join(problems...); err != nil {
			return AliyunWebhook{}, err
		}
	case TrustPull:
	case "":
		return AliyunWebhook{}, errors.New("aliyun: its pushes carry no signature: name what to trust, header, addresses or pull")
	default:
		return AliyunWebhook{}, fmt.Errorf("aliyun: trust %q is none of header, addresses, pull", trust)
	}
	return w, nil
}

func addressRange(written string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(written)
	if err != nil {
		var address netip.Addr
		if address, err = netip.ParseAddr(written); err == nil {
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
	}
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("aliyun: push address %q is neither an address nor a range such as 203.0.113.0/24", written)
	case prefix.Bits() == 0:
		return netip.Prefix{}, fmt.Errorf("aliyun: push address %q is everybody", written)
	}
	return prefix.Masked(), nil
}

// Listens is true where pushes are taken at all.
func (w AliyunWebhook) Listens() bool { return w.trust == TrustHeader || w.trust == TrustAddresses }

// Trusts tells whether a push with these values of AliyunPushHeader, from the peer of this
// connection (address and port), is the carrier's. Forwarded addresses are never looked at:
// whoever connects writes them.
func (w AliyunWebhook) Trusts(header []string, remote string) bool {
	switch w.trust {
	case TrustHeader:
		// Digests have one length, so the comparison tells nothing of the secret's.
		given := sha256.Sum256([]byte(strings.Join(header, ",")))
		return subtle.ConstantTimeCompare(given[:], w.secret[:]) == 1
	case TrustAddresses:
		peer, err := netip.ParseAddrPort(remote)
		if err != nil {
			return false
		}
		for _, prefix := range w.addresses {
			if prefix.Contains(peer.Addr().Unmap().WithZone("")) {
				return true
			}
		}
	}
	return false
}

// scalar is a text that may come as a number or a truth value.
type scalar string

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalar) UnmarshalJSON(body []byte) error {
	switch body[0] {
	case '"':
		return json.Unmarshal(body, (*string)(s))
	case '{', '[':
		return errors.New("read webhook: a word is expected")
	case 'n':
		return nil
	}
	*s = scalar(body) // as written: a float would round a long number
	return nil
}

// ReadAliyunReplies reads a push of texts people sent us. The line is known by the signature
// they answered to, since the number is the carrier's to choose. What is no reply at all is
// handed on as a text from nobody, so that a person looks at it; unreadable counts those. The
// error is for a push that is no list.
func ReadAliyunReplies(body []byte) (replies []Inbound, unreadable int, err error) {
	items, err := pushed(body)
	if err != nil {
		return nil, 0, err
	}
	for _, item := range items {
		var r struct {
			Phone    scalar `json:"phone_number"`
			SentAt   scalar `json:"send_time"`
			Content  scalar `json:"content"`
			SignName scalar `json:"sign_name"`
			Dest     scalar `json:"dest_code"`
			Sequence scalar `json:"sequence_id"`
		}
		if err := json.Unmarshal(item, &r); err != nil || r.Phone == "" && r.Content == "" {
			unreadable++
			replies = append(replies, Inbound{Text: string(item)})
			continue
		}
		replies = append(replies, Inbound{
			CarrierMessageID: sequence(string(r.Sequence)), From: fromAliyunPhone(string(r.Phone)),
			To: cmp.Or(AliyunSignName(string(r.SignName)), string(r.Dest)), Text: string(r.Content), SentAt: string(r.SentAt),
		})
	}
	return replies, unreadable, nil
}

// sequence drops what is no id, so that no reply is taken for the repeat of another.
func sequence(id string) string {
	if strings.Trim(id, "0") == "" {
		return ""
	}
	return safeCode(id)
}

// fromAliyunPhone writes a mainland number in full; another stays as it is.
func fromAliyunPhone(phone string) string {
	switch {
	case len(phone) == 11 && phone[0] == '1':
		return "+86" + phone
	case len(phone) == 13 && strings.HasPrefix(phone, "861"):
		return "+" + phone
	}
	return phone
}

// ReadAliyunReports reads a push of delivery reports; unreadable counts those that name no
// message. The error is for a push that is no list.
func ReadAliyunReports(body []byte) (reports []Report, unreadable int, err error) {
	items, err := pushed(body)
	if err != nil {
		return nil, 0, err
	}
	for _, item := range items {
		var r struct {
			Success scalar `json:"success"`
			Code    scalar `json:"err_code"`
			BizID   scalar `json:"biz_id"`
			OutID   scalar `json:"out_id"`
		}
		if err := json.Unmarshal(item, &r); err != nil || r.BizID == "" && r.OutID == "" {
			unreadable++
			continue
		}
		report := Report{
			CarrierMessageID: cmp.Or(string(r.BizID), "out:"+string(r.OutID)), MessageID: string(r.OutID),
			RawStatus: cmp.Or(safeCode(string(r.Code)), "success:"+cmp.Or(safeCode(string(r.Success)), "unknown")),
		}
		switch r.Success {
		case "true":
			report.Status = DeliveryDelivered
		case "false":
			report.Status, report.ErrorCode = DeliveryUndelivered, safeCode(string(r.Code))
		}
		reports = append(reports, report)
	}
	return reports, unreadable, nil
}

// pushed splits a push, so that one bad element loses none of the others.
func pushed(body []byte) (items []json.RawMessage, err error) {
	if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '[' || json.Unmarshal(body, &items) != nil {
		return nil, errors.New("read webhook: the push is no list")
	}
	return items, nil
}
