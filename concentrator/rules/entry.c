#include "concentrator/rules/entry.h"

const char *entry_kind_name(enum entry_kind kind)
{
	switch (kind) {
	case ENTRY_OPENING:
		return "opening";
	case ENTRY_RECHARGE:
		return "recharge";
	case ENTRY_REVERSAL:
		return "reversal";
	case ENTRY_CASH:
		return "cash";
	case ENTRY_CHARGE:
		return "charge";
	case ENTRY_HOUSE:
		return "house";
	case ENTRY_QUARANTINE:
		return "quarantine";
	case ENTRY_WRITE_OFF:
		return "write-off";
	case ENTRY_ADJUSTMENT:
		return "adjustment";
	case ENTRY_ROUNDING:
		return "rounding";
	case ENTRY_CLOSING:
		return "closing";
	case ENTRY_STANDING:
		return "standing";
	case ENTRY_TAX:
		return "tax";
	case ENTRY_FORFEIT:
		return "forfeit";
	case ENTRY_DEBT:
		return "debt";
	case ENTRY_ALLOWANCE:
		return "allowance";
	case ENTRY_MINIMUM:
		return "minimum";
	case ENTRY_KIND_END:
		break;
	}
	return "unknown";
}
