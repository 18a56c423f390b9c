/* prepay-sign.c - makes keys and signs what the cloud puts into the feed of a box.
 *
 * For integrators and tests. It shares no code with prepayd, which verifies: each checks the other
 * against the contract, uplink/api/openapi.yaml. See prepay-sign(1).
 */
#include <stdio.h>
#include <string.h>

#include "uplink/sign/key_file.h"
#include "uplink/sign/options.h"

static const char usage[] =
	"Usage:\n"
	"  prepay-sign keygen FILE.key FILE.pub\n"
	"  prepay-sign keyset --root ROOT.key --version N --key "
	"KID=FILE.pub:USE[,NAME=VALUE...]...\n"
	"              [--kid ROOT] [--mrid ID]\n"
	"      USE is credit, command, time or config; NAME is from, to (Unix seconds),\n"
	"      orderMax, roomDayMax or dayMax (minor units)\n"
	"  prepay-sign credit --key PAY.key --kid KID --site SITE --mrid ID --room ROOM --tenancy "
	"TENANCY\n"
	"              --amount 20.00 --currency 156 [--type paid|subsidy] [--seq N] [--reverses "
	"ID]\n"
	"              [--iat S] [--effective S] [--exp S] [--description TEXT]\n"
	"  prepay-sign checkpoint --root ROOT.key [--kid ROOT] < FILE\n"
	"      FILE is the checkpoint as the cloud hands it out; what is printed is restored by\n"
	"      prepay ledger restore. Look at the sums that it says before you send it on.\n"
	"Prints one item of the feed as a line of JSON. See prepay-sign(1).\n";

static int run_keygen(int argc, char *argv[])
{
	if (argc != 3)
		return wrong("keygen takes two file names, for the private and the public key");
	return key_file_generate(argv[1], argv[2]) < 0 ? EXIT_FAILED : 0;
}

int main(int argc, char *argv[])
{
	static const struct {
		const char *name;
		int (*run)(int argc, char *argv[]);
	} verbs[] = {{"keygen", run_keygen},
		     {"keyset", run_keyset},
		     {"credit", run_credit},
		     {"checkpoint", run_checkpoint}};

	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return fputs(usage, stdout) < 0 ? EXIT_FAILED : 0;
	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return puts("prepay-sign " PREPAY_VERSION) < 0 ? EXIT_FAILED : 0;
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	(void)fputs(usage, stderr);
	return EXIT_USAGE;
}
