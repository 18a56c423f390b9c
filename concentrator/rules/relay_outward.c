/* relay_outward.c - how a relay looks from outside: the names and states of relay_plan.h. */
#include "concentrator/rules/relay_plan.h"

enum service_status relay_service_status(const struct relay_state *state,
					 const struct relay_traits *traits,
					 const struct layers_verdict *verdict)
{
	if (!traits->has_relay)
		return SERVICE_NO_CONTACTOR;
	if (state->armed || relay_plan_waits_for_key(state, traits))
		return SERVICE_ARMED_FOR_CONNECT;
	if (relay_believed(state) == RELAY_OPEN)
		return SERVICE_DISCONNECTED;
	return verdict->wish == SUPPLY_OFF ? SERVICE_ARMED_FOR_DISCONNECT : SERVICE_CONNECTED;
}

bool relay_coil(enum relay_contact contact, enum relay_position position)
{
	return (position == RELAY_CLOSED) == (contact == RELAY_NORMALLY_OPEN);
}

enum relay_position relay_supply_position(enum relay_contact contact, bool coil)
{
	return coil == (contact == RELAY_NORMALLY_OPEN) ? RELAY_CLOSED : RELAY_OPEN;
}

const char *service_status_name(enum service_status status)
{
	switch (status) {
	case SERVICE_CONNECTED:
		return "Connected";
	case SERVICE_DISCONNECTED:
		return "Disconnected";
	case SERVICE_ARMED_FOR_CONNECT:
		return "ArmedForConnect";
	case SERVICE_ARMED_FOR_DISCONNECT:
		return "ArmedForDisconnect";
	case SERVICE_NO_CONTACTOR:
		return "NoContactor";
	case SERVICE_LOAD_LIMITED:
		return "LoadLimited";
	}
	return "unknown";
}

const char *relay_verify_name(enum relay_verify proof)
{
	switch (proof) {
	case RELAY_VERIFIED:
	case RELAY_VERIFY_POSITION:
		return "yes";
	case RELAY_VERIFY_LOAD:
		return "load-only";
	case RELAY_VERIFY_NONE:
	case RELAY_VERIFY_PENDING:
	case RELAY_VERIFY_UNPROVEN:
	case RELAY_VERIFY_OWN:
	case RELAY_VERIFY_KEY:
		return "unproven";
	case RELAY_VERIFY_WRONG:
		return "no";
	}
	return "unknown";
}

const char *relay_verify_text(enum relay_verify proof)
{
	switch (proof) {
	case RELAY_VERIFY_NONE:
		return "never commanded";
	case RELAY_VERIFY_PENDING:
		return "commanded, no evidence yet";
	case RELAY_VERIFIED:
		return "position read, load agrees";
	case RELAY_VERIFY_POSITION:
		return "position read, load unproven";
	case RELAY_VERIFY_LOAD:
		return "position unknown, load agrees";
	case RELAY_VERIFY_UNPROVEN:
		return "position unknown, load unproven";
	case RELAY_VERIFY_WRONG:
		return "position or load contradicts the command";
	case RELAY_VERIFY_OWN:
		return "the meter switches by itself, nothing is proven";
	case RELAY_VERIFY_KEY:
		return "armed, waits for the key at the meter";
	}
	return "unknown";
}

const char *relay_position_name(enum relay_position position)
{
	switch (position) {
	case RELAY_UNKNOWN:
		return "unknown";
	case RELAY_OPEN:
		return "open";
	case RELAY_CLOSED:
		return "closed";
	}
	return "unknown";
}
