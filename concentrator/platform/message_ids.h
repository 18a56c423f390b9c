/* message_ids.h - the MESSAGE_ID of every kind of event in the journal; listed in prepayd(8).
 *
 * Random 128-bit numbers, fixed for ever: `journalctl MESSAGE_ID=...` in scripts relies on them.
 */
#pragma once

/* prepayd or prepay-uplinkd is ready */
#define MESSAGE_ID_START "6b63d9f841c840f29769475f32b9ebde"
/* it ends, in order */
#define MESSAGE_ID_STOP "6e4412d32ef7dc305fde8720af639454"
/* a supply was opened for money */
#define MESSAGE_ID_ROOM_CUT "b8fb030e83d46dd15efb6003060d6be7"
/* a supply was closed again */
#define MESSAGE_ID_ROOM_RESTORED "14fbf3b3a6b02cbef3be9090fca8298d"
/* the balance is low, or a cut was announced */
#define MESSAGE_ID_ROOM_WARNED "19f83750790d5664cef39ddca1a8ced9"
/* a supply was commissioned */
#define MESSAGE_ID_ROOM_ADDED "803863540e008a01d10fdcba7bad674a"
/* an account was closed */
#define MESSAGE_ID_ROOM_REMOVED "826716ea29e6935dc756cffadd479863"
/* S7: too many cuts at once; a person must confirm */
#define MESSAGE_ID_CUTS_HELD "0ecf1f5a3d49400b27ba2b59a3db7f20"
/* a person let them go ahead */
#define MESSAGE_ID_CUTS_CONFIRMED "6e212ae530b5cf3dd25d16cb9927b8a4"
/* a relay was commanded */
#define MESSAGE_ID_RELAY_COMMANDED "fb7005f3c5b79c52e5c777e602d69586"
/* it is where it was commanded to */
#define MESSAGE_ID_RELAY_VERIFIED "be96e230ec40f2ab3ff25a5273f38af4"
/* it is not, after the retries */
#define MESSAGE_ID_RELAY_WRONG "e1d6c5beff6a028dd595822031ea7efc"
/* S5: found open; a person must confirm */
#define MESSAGE_ID_RELAY_ARMED "c5118628da5839187688db9cce755e96"
/* a person at work opened it */
#define MESSAGE_ID_RELAY_LOCKED_OUT "529caf2a835835ab95709583d02cb9b9"
/* the lock-out ended */
#define MESSAGE_ID_RELAY_RELEASED "6b3627a95eaf1a1f745edc51e04c319f"
/* a signed order was committed */
#define MESSAGE_ID_ORDER_APPLIED "a1ae217a749123ebc924a49e63914bab"
/* a signed order was refused and kept */
#define MESSAGE_ID_ORDER_REFUSED "818b7e86cf3baa7248e9030b545d2a36"
/* local cash was credited */
#define MESSAGE_ID_CASH_ADDED "c378a44754e7edff372ce6cf14b86005"
/* a meter does not answer */
#define MESSAGE_ID_METER_SILENT "ebcbba3d336422fede77ecd3368b464d"
/* it answers again */
#define MESSAGE_ID_METER_BACK "7cc00307252d1d3bea82b746845c9284"
/* the adapter of a line is gone or fails */
#define MESSAGE_ID_LINE_ABSENT "2cf9ad0e26339185d5dcfb1223055052"
/* it works again */
#define MESSAGE_ID_LINE_BACK "21c35843dd700cdca9eee61c4293b52c"
/* M6: energy set aside */
#define MESSAGE_ID_REGISTER_QUARANTINED "45ac210a38313f68df2188390a774da3"
/* the register came back, nothing was lost */
#define MESSAGE_ID_REGISTER_RETURNED "79a6944c9d7c973c7761232beaeb4e06"
/* a sensor gives no values */
#define MESSAGE_ID_SENSOR_STALE "ad30b4c609a6641cddb4b87f8a78ec74"
/* it does again */
#define MESSAGE_ID_SENSOR_BACK "58007f64959b9dec15a0af691c09a78e"
/* a thread is stuck in a call; the watchdog will restart the daemon */
#define MESSAGE_ID_WORKER_STUCK "281c22114d3446b4bdce469175381ca3"
/* a tenancy or a balance was changed by a person */
#define MESSAGE_ID_ACCOUNT_CHANGED "bd165571b2824d5c8cbe74d94749b983"
/* a room's emergency credit was activated, or is repaid */
#define MESSAGE_ID_EMERGENCY "c5a4105f36494d638d45f5db46720fa8"
/* a dispute keeps a room on */
#define MESSAGE_ID_HOLD_SET "f1d6b9bb4d874e158e082a9b82ac7076"
/* it has ended */
#define MESSAGE_ID_HOLD_ENDED "bb7994e3d5904e5d82a42234ce433e9e"
/* a person decided about a register */
#define MESSAGE_ID_REGISTER_DECIDED "5be9e8f6c76a4580b79ae84aa7cb2bfb"
/* an alarm began */
#define MESSAGE_ID_ALARM_RAISED "4b1cd0db32a2d2190df8548328eca4b4"
/* its cause is gone */
#define MESSAGE_ID_ALARM_CLEARED "3c78f3c0ba8ce6ad8137ab6ed7885d4c"
/* a person has seen it */
#define MESSAGE_ID_ALARM_ACKNOWLEDGED "1db53ef27beaf73c4e18cd9776570751"
/* wall time is believed from here */
#define MESSAGE_ID_CLOCK_TRUSTED "e0b06b5a04ebb8174d05837528826105"
/* it is not: no cut for money */
#define MESSAGE_ID_CLOCK_UNTRUSTED "f57770b150cc35d6bcdeca1b6c87b442"
/* the ledger cannot commit */
#define MESSAGE_ID_STORE_FAILING "dd264a2b800693fa6d452c2e0d963b17"
/* it can again */
#define MESSAGE_ID_STORE_RECOVERED "6472f684c26958dc330c18e59cd17cad"
/* a ledger was made from a checkpoint or a backup, for the next start */
#define MESSAGE_ID_LEDGER_RESTORED "f72d9d922801405aad6ed0b457e12291"
/* a commit took too long */
#define MESSAGE_ID_STORE_SLOW "a9fc9c27974cbc59d0351f3368b19c52"
/* a tariff was staged */
#define MESSAGE_ID_TARIFF_APPLIED "cddcda7e59bd7567816bb78eda43024c"
/* a tariff took effect */
#define MESSAGE_ID_TARIFF_ACTIVE "8a6f50eab08ba2444ff3de837e05e679"
/* a settlement that a person asked for */
#define MESSAGE_ID_SETTLED "a20482d962b06d8bb31c7538d656d4ed"
/* a backup of the ledger */
#define MESSAGE_ID_BACKUP_WRITTEN "ff805ce2b9ea4b6ca549e0d7ba792d24"
/* the cloud answers */
#define MESSAGE_ID_UPLINK_ONLINE "c0756e64e1c859acf5f398d53cea45b2"
/* it does not */
#define MESSAGE_ID_UPLINK_AWAY "52cba4be22dcd9ffd6fbd5c7595070bf"
/* the cloud refused an item; it is in quarantine */
#define MESSAGE_ID_UPLINK_REFUSED "101b460ed4d1a8aae0f991019b00e4ef"
/* an item of the feed was refused and kept */
#define MESSAGE_ID_FEED_QUARANTINED "fa49c5c01ff0af990654d0b4affa919b"
/* a person's command, before it takes effect */
#define MESSAGE_ID_AUDIT "17f2d509bc035c8bec6b047e2ff85c6e"
/* a stranger or a broken client on the control socket */
#define MESSAGE_ID_PEER_REFUSED "a715d27a81f7a22e2a8adde284607c78"
/* the configuration cannot be used */
#define MESSAGE_ID_CONFIG_WRONG "173307f3b7f1d44989591f2cd9a23c31"
