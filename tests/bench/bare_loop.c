/* bare_loop - the rival: libmodbus asked in a plain loop, as most programs do.
 *
 * bare_loop PORT BAUD SECONDS SLAVES FUNCTION ADDRESS COUNT
 *
 * Asks slaves 1 to SLAVES in turn for the same registers. Prints a line for each read: slave, CLOCK_BOOTTIME
 * in us before and behind it, and the number of registers read or -errno.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <modbus.h>

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	uint16_t registers[MODBUS_MAX_READ_REGISTERS];
	modbus_t *modbus;
	int64_t end_us;

	if (argc != 8 || atoi(argv[7]) > MODBUS_MAX_READ_REGISTERS)
		return 2;
	modbus = modbus_new_rtu(argv[1], atoi(argv[2]), 'N', 8, 1);
	if (modbus == NULL || modbus_connect(modbus) < 0) {
		(void)fprintf(stderr, "bare_loop: %s\n", modbus_strerror(errno));
		return 1;
	}
	end_us = now_us() + atoll(argv[3]) * 1000000;
	for (int slave = 1; now_us() < end_us; slave = slave % atoi(argv[4]) + 1) {
		int64_t begun_us = now_us();
		int n;

		(void)modbus_set_slave(modbus, slave);
		n = atoi(argv[5]) == 3
			    ? modbus_read_registers(modbus, atoi(argv[6]), atoi(argv[7]), registers)
			    : modbus_read_input_registers(modbus, atoi(argv[6]), atoi(argv[7]),
							  registers);
		(void)printf("%d %lld %lld %d\n", slave, (long long)begun_us, (long long)now_us(),
			     n < 0 ? -errno : n);
	}
	modbus_close(modbus);
	modbus_free(modbus);
	return 0;
}
